"""Text on a terminal: what it holds is shown, and neither moves the cursor nor starts a line of its own."""

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast
from unicodedata import category

_JOINERS = "\u200c\u200d"  # part of words in some scripts


def visible(text: str, keep: str = "") -> str:
    """The text on one line: what ends a line, controls a terminal or turns the direction is an escape.

    Args:
        text: from anywhere, bytes that are no text included.
        keep: characters that stay, such as the newline of a text of several lines.
    """
    if text.isprintable():
        return text
    return "".join(_escape(c) if c not in keep and _is_hidden(c) else c for c in text)


def _is_hidden(character: str) -> bool:
    return category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in _JOINERS


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def say(line: str, file: TextIO | None = None) -> None:
    """Print one line, on standard output unless `file` is given, whatever the line holds."""
    print(visible(line), file=file, flush=True)


class Terminal:
    """A stream whose every text is visible and can be encoded; otherwise it is the stream that it wraps.

    A carriage return only passes to a terminal's standard error, where progress is drawn.

    Args:
        stream: it.
        keep: characters that stay as they are.
        loses: whether what it can't take, as on a full disk, is lost without an error. A closed pipe is one.
    """

    def __init__(self, stream: TextIO, keep: str = "\n\t", *, loses: bool = False) -> None:
        self._stream, self._keep, self._loses = stream, keep, loses
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write the text."""
        with self._losing():
            self._stream.write(visible(text, self._keep))
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        with self._losing():
            self._stream.flush()

    @contextmanager
    def _losing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not self._loses or isinstance(error, BrokenPipeError):
                raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard_output() -> None:
    """Make standard output and standard error of this process such streams; one that is closed stays so.

    No command ends because a line on standard error is lost.
    """
    if sys.stdout is not None and not isinstance(sys.stdout, Terminal):
        sys.stdout = cast(TextIO, Terminal(sys.stdout))
    if sys.stderr is not None and not isinstance(sys.stderr, Terminal):
        draws = sys.stderr.isatty()
        sys.stderr = cast(TextIO, Terminal(sys.stderr, "\n\t\r" if draws else "\n\t", loses=True))


class LogFormatter(logging.Formatter):
    """Keeps each argument of gengap's messages on one line, and a message of anyone's free of controls."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, or the lines of a traceback."""
        if isinstance(record.args, tuple) and record.name.partition(".")[0] == "gengap":
            record = logging.makeLogRecord(record.__dict__)
            record.args = tuple(map(_argument, record.args or ()))
        return visible(super().format(record), keep="\n\t")


def _argument(value: object) -> object:
    return value if isinstance(value, int | float) else visible(str(value))


def log_to_terminal() -> None:
    """Log to standard error: gengap's messages, and others' warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogFormatter("%(message)s"))
    logging.basicConfig(handlers=[handler])
    logging.getLogger("gengap").setLevel(logging.INFO)
