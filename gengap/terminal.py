"""Make text safe for a terminal: all of it is visible, and none moves the cursor or starts a new line."""

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast
from unicodedata import category

LINE_SECONDS = 15.0  # between lines of progress, where no bar is drawn on a terminal
_JOINERS = "\u200c\u200d"  # part of words in some scripts


def visible(text: str, keep: str = "") -> str:
    """Put text on one line, escaping whatever ends a line, controls a terminal or changes text direction.

    Args:
        text: arbitrary text, which may include bytes that aren't valid text.
        keep: characters to keep, such as the newline in text of several lines.
    """
    if text.isprintable():
        return text
    return "".join(_escape(c) if c not in keep and _is_hidden(c) else c for c in text)


def _is_hidden(character: str) -> bool:
    return category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in _JOINERS


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def say(line: str, file: TextIO | None = None) -> None:
    """Print one line, whatever it contains, on standard output unless `file` is given."""
    print(visible(line), file=file, flush=True)


class Terminal:
    """Wraps a stream so that all text written to it is visible and can be encoded.

    Carriage returns are only passed on to a terminal's standard error, where progress is drawn.

    Args:
        stream: stream to wrap.
        keep: characters to pass on unchanged.
        loses: whether text that can't be written, e.g. on a full disk, is dropped without an error. A closed
            pipe is always an error.
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
        """Write all buffered text."""
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
    """Wrap this process's standard output and error in Terminal; one that is closed stays closed.

    A lost line on standard error never ends a command.
    """
    if sys.stdout is not None and not isinstance(sys.stdout, Terminal):
        sys.stdout = cast(TextIO, Terminal(sys.stdout))
    if sys.stderr is not None and not isinstance(sys.stderr, Terminal):
        draws = sys.stderr.isatty()
        sys.stderr = cast(TextIO, Terminal(sys.stderr, "\n\t\r" if draws else "\n\t", loses=True))


class LogFormatter(logging.Formatter):
    """Keeps each argument of gengap's messages on one line, and all messages free of control characters."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as a line, or as the lines of a traceback."""
        if isinstance(record.args, tuple) and record.name.partition(".")[0] == "gengap":
            record = logging.makeLogRecord(record.__dict__)
            record.args = tuple(map(_argument, record.args or ()))
        return visible(super().format(record), keep="\n\t")


def _argument(value: object) -> object:
    return value if isinstance(value, int | float) else visible(str(value))


def log_to_terminal() -> None:
    """Log gengap's messages and other packages' warnings to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogFormatter("%(message)s"))
    logging.basicConfig(handlers=[handler])
    logging.getLogger("gengap").setLevel(logging.INFO)
