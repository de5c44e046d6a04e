"""The user's mistakes are shown as one line that says what to type, ours with a traceback."""

import logging
import traceback

log = logging.getLogger(__name__)


class UserError(Exception):
    """A mistake in what the user asked for; its text is the one line shown."""


def describe(error: Exception) -> None:
    """One line for the user's mistake, a traceback for ours."""
    if isinstance(error, UserError):
        log.error("gengap: %s", error)
    else:
        log.error("%s", "".join(traceback.format_exception(error)).rstrip())
