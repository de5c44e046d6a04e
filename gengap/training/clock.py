"""Wall time of a run across all its parts, and the share spent on evaluations and checkpoints."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Measures wall time, in seconds.

    Args:
        seconds: time already spent on the run.
        measuring: part of that time spent on evaluations and checkpoints.
    """

    def __init__(self, seconds: float = 0.0, measuring: float = 0.0) -> None:
        self._started = time.monotonic() - seconds
        self.measuring = measuring

    @property
    def seconds(self) -> float:
        """Time spent on the run, excluding the time between its parts."""
        return time.monotonic() - self._started

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Count the time spent inside the block as measuring time."""
        began = time.monotonic()
        yield
        self.measuring += time.monotonic() - began
