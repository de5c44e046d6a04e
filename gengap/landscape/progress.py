"""Progress of a measurement: a line every few seconds, and one for each value that is measured."""

import sys
import time
from typing import Any

PLAIN_LINE_SECONDS = 15.0


class Progress:
    """Shows images evaluated per second, and the measurements as they come.

    Args:
        title: names the measurement at the head of every line.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._images = 0
        self._started = self._printed = time.monotonic()

    def advance(self, images: int) -> None:
        """Count images that were evaluated."""
        self._images += images
        if time.monotonic() - self._printed > PLAIN_LINE_SECONDS:
            self._printed = time.monotonic()
            rate = self._images / (self._printed - self._started)
            self._print(f"{self._images:,} images evaluated, {rate:,.0f} images/s")

    def say(self, measurement: dict[str, Any]) -> None:
        """Show the numbers and words of a measurement, and how long its lists are."""
        self._print(", ".join(f"{name} {_text(value)}" for name, value in measurement.items()))

    def _print(self, text: str) -> None:
        print(f"{self._title}: {text}", file=sys.stderr, flush=True)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"({len(value)} values)"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
