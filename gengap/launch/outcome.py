"""The outcome of a run within one command."""

from enum import StrEnum


class Outcome(StrEnum):
    """The outcome of a run; the values appear in the summary line."""

    FINISHED = "finished"
    SKIPPED = "skipped"  # had already finished or diverged; the summary line says which
    DIVERGED = "diverged"
    FAILED = "failed"
    BUSY = "running in another process"
    STOPPED = "interrupted"  # by a signal or the time budget, and saved
    INTERRUPTED = (
        "interrupted by an error"  # of the machine; from its last checkpoint, the same command goes on
    )
    KILLED = "killed"  # with the process that trained it: likewise
    NOT_STARTED = "not started"  # a signal or the time budget came first
