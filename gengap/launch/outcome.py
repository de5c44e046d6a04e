"""The outcome of a run within one command."""

from enum import StrEnum

from gengap.errors import MISTAKE, exit_code


class Outcome(StrEnum):
    """Outcome of a run; the values appear in the summary line."""

    FINISHED = "finished"
    SKIPPED = "skipped"  # already finished or diverged; the summary line says which
    DIVERGED = "diverged"
    REFUSED = "refused"  # not started, because of a mistake in what the user asked for
    FAILED = "failed"
    BUSY = "running in another process"
    STOPPED = "interrupted"  # by a signal or the time budget, and saved
    INTERRUPTED = (
        "interrupted by an error"  # of the machine; the same command resumes from the last checkpoint
    )
    KILLED = "killed"  # its process was killed; the same command resumes it likewise
    NOT_STARTED = "not started"  # a signal came or the time budget ran out first


def after(error: Exception) -> Outcome:
    """Outcome of a run that an error keeps from starting."""
    return Outcome.REFUSED if exit_code(error) == MISTAKE else Outcome.FAILED
