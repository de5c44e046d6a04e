"""Progress of a measurement: a line every few seconds, and one for each measured value."""

import sys
import time
from typing import Any

from gengap.duration import in_words
from gengap.terminal import LINE_SECONDS

LONGEST, SHOWN = 10, 3  # longest list that is shown in full, and number of values shown of a longer one
QUIET = "losses"  # measurements with this key have many points, and are only counted


class Progress:
    """Shows the number of measurements made, images evaluated per second, and each measurement as it is made.

    Args:
        title: name of the record, shown at the start of every line.
        made: number of its measurements that have already been made.

    Attributes:
        total: total number of its measurements.
    """

    def __init__(self, title: str, made: int = 0) -> None:
        self._title, self._before, self._made = title, made, made
        self.total = 1
        self._images = 0
        self._started = self._printed = time.monotonic()

    def advance(self, images: int) -> None:
        """Count evaluated images."""
        self._images += images
        now = time.monotonic()
        if now - self._printed <= LINE_SECONDS:
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
        """Count a measurement and show its values."""
        self._made += 1
        if QUIET not in measurement:
            given = {name: value for name, value in measurement.items() if value is not None}
            self._print(", ".join(f"{name} {_text(value)}" for name, value in given.items()))

    def _print(self, text: str) -> None:
        print(f"{self._title}: {text}", file=sys.stderr, flush=True)


def _text(value: Any) -> str:
    if isinstance(value, list):
        if len(value) > LONGEST:
            return f"({len(value)} values)"
        rest = f" ... ({len(value)} values)" if len(value) > SHOWN else ""
        return " ".join(map(_text, value[:SHOWN])) + rest
    return f"{value:.6g}" if isinstance(value, float) else str(value)
