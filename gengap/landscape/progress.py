"""Progress of a measurement: a line every few seconds, and one for each value that is measured."""

import sys
import time
from typing import Any

from gengap.duration import in_words

PLAIN_LINE_SECONDS = 15.0
LONGEST, SHOWN = 10, 3  # a list's length up to which values are shown, and how many
QUIET = "losses"  # of many points: such a measurement is counted only


class Progress:
    """Shows how many measurements are made, images evaluated per second, and the measurements as they come.

    Args:
        title: names the record at the head of every line.
        made: of its measurements, those that are made already.

    Attributes:
        total: of its measurements.
    """

    def __init__(self, title: str, made: int = 0) -> None:
        self._title, self._before, self._made = title, made, made
        self.total = 1
        self._images = 0
        self._started = self._printed = time.monotonic()

    def advance(self, images: int) -> None:
        """Count images that were evaluated."""
        self._images += images
        now = time.monotonic()
        if now - self._printed <= PLAIN_LINE_SECONDS:
            return
        self._printed, passed = now, now - self._started
        parts = [f"{self._images:,} images evaluated", f"{self._images / passed:,.0f} images/s"]
        if self.total > 1:
            parts.insert(0, f"{self._made:,} of {self.total:,} measurements")
        if self._made > self._before:
            left = passed / (self._made - self._before) * (self.total - self._made)
            parts.append(f"about {in_words(left)} left")
        self._print(", ".join(parts))

    def say(self, measurement: dict[str, Any]) -> None:
        """Count a measurement, and show its numbers and words."""
        self._made += 1
        if QUIET not in measurement:
            self._print(", ".join(f"{name} {_text(value)}" for name, value in measurement.items()))

    def _print(self, text: str) -> None:
        print(f"{self._title}: {text}", file=sys.stderr, flush=True)


def _text(value: Any) -> str:
    if isinstance(value, list):
        if len(value) > LONGEST:
            return f"({len(value)} values)"
        rest = f" ... ({len(value)} values)" if len(value) > SHOWN else ""
        return " ".join(map(_text, value[:SHOWN])) + rest
    return f"{value:.6g}" if isinstance(value, float) else str(value)
