"""The user's mistakes are shown as one line that says what to type, ours with a traceback; exit codes."""

import logging
import traceback
from pathlib import Path

log = logging.getLogger(__name__)

# What `gengap train` exits with; a signal that stopped it gives 128 and its number, as in every shell
DONE, FAILED, MISTAKE = 0, 1, 2
UNFINISHED = 75  # EX_TEMPFAIL of sysexits.h: the same command again goes on


class UserError(Exception):
    """A mistake in what the user asked for; its text is the one line shown."""


class UnreadableError(UserError):
    """A record that can't be used: which file, and why."""

    def __init__(self, file: Path, reason: str) -> None:
        self.file = file
        self.reason = reason
        super().__init__(f"{file} {reason}")


def describe(error: Exception) -> None:
    """One line for the user's mistake, a traceback for ours."""
    if isinstance(error, UserError):
        log.error("gengap: %s", error)
    else:
        log.error("%s", "".join(traceback.format_exception(error)).rstrip())
