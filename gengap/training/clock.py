"""The time of a run over all its parts, and how much of it went into measuring and saving."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Counts on from `seconds`, of which `measuring` went into other things than updates."""

    def __init__(self, seconds: float = 0.0, measuring: float = 0.0) -> None:
        self._started = time.monotonic() - seconds
        self.measuring = measuring

    @property
    def seconds(self) -> float:
        """Time since the run began, without the time between its parts."""
        return time.monotonic() - self._started

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Count what is done inside as measuring."""
        began = time.monotonic()
        yield
        self.measuring += time.monotonic() - began
