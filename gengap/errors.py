"""Errors and exit codes: a user's mistake is shown in one line that says what to type, bugs as traceback."""

import logging
import os
import re
import traceback
from collections.abc import Sequence
from pathlib import Path
from unicodedata import category

from gengap.terminal import visible

log = logging.getLogger(__name__)

_ENDLESS = re.compile(r"(\S{100})\S{400,}")  # keeps messages from repeating a number of thousands of digits

# Exit codes of every command; after a signal it exits with 128 plus the signal's number, as shells do
DONE, FAILED, MISTAKE = 0, 1, 2
UNFINISHED = 75  # EX_TEMPFAIL in sysexits.h: running the same command again continues


class UserError(Exception):
    """A mistake in what the user asked for; its text is shown as one line, whatever the user typed."""

    exit_code = MISTAKE

    def __str__(self) -> str:
        return visible(_ENDLESS.sub(r"\1...", super().__str__()))


def is_control(character: str) -> bool:
    """Whether a character ends a line, controls a terminal, or stands for a byte that isn't valid text."""
    return category(character) in ("Cc", "Cs", "Zl", "Zp")


class FaultError(UserError):
    """The request was valid, but a file or the machine has a problem; the text is one line."""

    exit_code = FAILED


def exit_code(error: BaseException) -> int:
    """Exit code of a command that an error ends: MISTAKE for what was typed, FAILED for anything else.

    The latter includes the machine (a full disk, missing permissions, no memory left), files that are
    damaged, unreadable or not regular files, and bugs.
    """
    return error.exit_code if isinstance(error, UserError) else FAILED


class UnreadableError(FaultError):
    """A file that can't be read.

    Args:
        file: path of the file.
        reason: why it can't be read, as the rest of a sentence starting with the file's name.
    """

    def __init__(self, file: Path, reason: str) -> None:
        self.file = file
        self.reason = reason
        super().__init__(f"{file} {reason}")


def log_error(error: Exception) -> None:
    """Log a user's mistake as one line, and any other error with its traceback."""
    if isinstance(error, UserError):
        log.error("gengap: %s", error)
    else:
        log.error("".join(traceback.format_exception(error)).rstrip())  # arguments would be put on one line


def either(names: Sequence[str]) -> str:
    """Join names for a message, separated by commas and `or`."""
    return " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def counted(number: int, noun: str) -> str:
    """Format a number of things, with the noun's regular plural."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def printable(path: str | os.PathLike[str]) -> str:
    """Format a path, escaped if it would break the line or can't be printed."""
    text = os.fspath(path)
    return text if text.isprintable() else repr(text)
