"""The outcome of a run within one command."""

from enum import StrEnum

from gengap.errors import MISTAKE, exit_code


class Outcome(StrEnum):
    """The outcome of a run; the values appear in the summary line."""

    FINISHED = "finished"
    SKIPPED = "skipped"  # had already finished or diverged; the summary line says which
    DIVERGED = "diverged"
    REFUSED = "refused"  # for a mistake in what was asked for, before it began
    FAILED = "failed"
    BUSY = "running in another process"
    STOPPED = "interrupted"  # by a signal or the time budget, and saved
    INTERRUPTED = (
        "interrupted by an error"  # of the machine; from its last checkpoint, the same command goes on
    )
    KILLED = "killed"  # with the process that trained it: likewise
    NOT_STARTED = "not started"  # a signal or the time budget came first


def after(error: Exception) -> Outcome:
    """The outcome of what an error keeps from beginning."""
    return Outcome.REFUSED if exit_code(error) == MISTAKE else Outcome.FAILED
