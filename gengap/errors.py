"""Errors and exit codes: a user's mistake is shown as one line that says what to type, a bug as traceback."""

import logging
import os
import re
import traceback
from collections.abc import Sequence
from pathlib import Path
from unicodedata import category

from gengap.terminal import visible

log = logging.getLogger(__name__)

_ENDLESS = re.compile(r"(\S{100})\S{400,}")  # no message repeats a number of thousands of digits

# Exit codes of every command; after a signal it exits with 128 plus the signal's number, as shells do
DONE, FAILED, MISTAKE = 0, 1, 2
UNFINISHED = 75  # EX_TEMPFAIL of sysexits.h: the same command continues


class UserError(Exception):
    """A mistake in what the user asked for; its text is the one line shown, whatever the user typed."""

    exit_code = MISTAKE

    def __str__(self) -> str:
        return visible(_ENDLESS.sub(r"\1...", super().__str__()))


def is_control(character: str) -> bool:
    """Whether a character ends a line, controls a terminal or stands for a byte that is no text."""
    return category(character) in ("Cc", "Cs", "Zl", "Zp")


class FaultError(UserError):
    """What was asked for is right, but what is there is not: a file, or the machine; the text is one line."""

    exit_code = FAILED


def exit_code(error: BaseException) -> int:
    """What a command that an error ends exits with: MISTAKE of what was typed, FAILED of all else.

    All else is the machine (a full disk, missing permissions, used up memory), what is no file, is damaged or
    can't be read, and bugs.
    """
    return error.exit_code if isinstance(error, UserError) else FAILED


class UnreadableError(FaultError):
    """A file that can't be read.

    Args:
        file: the file.
        reason: why, as the rest of a sentence that begins with the file's name.
    """

    def __init__(self, file: Path, reason: str) -> None:
        self.file = file
        self.reason = reason
        super().__init__(f"{file} {reason}")


def log_error(error: Exception) -> None:
    """Log a user's mistake as one line, any other error with its traceback."""
    if isinstance(error, UserError):
        log.error("gengap: %s", error)
    else:
        log.error("".join(traceback.format_exception(error)).rstrip())  # no argument, which is one line


def either(names: Sequence[str]) -> str:
    """Names in a message, separated by commas and `or`."""
    return " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def counted(number: int, noun: str) -> str:
    """A number of things, with the noun's regular plural."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def printable(path: str | os.PathLike[str]) -> str:
    """The path, escaped where it would break the line or can't be printed."""
    text = os.fspath(path)
    return text if text.isprintable() else repr(text)
