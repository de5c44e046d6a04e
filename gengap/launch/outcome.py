"""What became of a run that a command was to train."""

from enum import StrEnum


class Outcome(StrEnum):
    """The outcome of one run in one command; the values are the words of the closing line."""

    FINISHED = "finished"
    SKIPPED = "skipped"  # finished or diverged before
    DIVERGED = "diverged"
    FAILED = "failed"
    BUSY = "running in another process"
    STOPPED = "interrupted"  # by a signal or the time budget, and saved
    NOT_STARTED = "not started"  # likewise, before it began
