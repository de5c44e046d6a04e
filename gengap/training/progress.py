"""Progress of a run: a bar on a terminal, otherwise a plain line every few seconds."""

import os
import sys
import time
from collections.abc import Callable
from typing import Any, Self, TextIO

from tqdm import tqdm

from gengap.duration import in_words
from gengap.terminal import LINE_SECONDS, say, visible

UNKNOWN_SIZE = {"ncols": 120, "nrows": 24}  # assumed for a terminal that doesn't report its size


class Progress:
    """Shows images done, images per second, time left and the latest errors.

    The speed excludes the first update, which may include compilation.

    Args:
        title: name of the run, shown at the start of every line.
        updates: total number of updates in the run.
        images: maps a number of updates to the number of images in the first that many updates.
        lost: called when the output has no reader any more, as with `| head`.
    """

    def __init__(
        self, title: str, updates: int, images: Callable[[int], int], lost: Callable[[], None] | None = None
    ) -> None:
        title = visible(title)
        self._title, self._updates, self._images = title, updates, images
        self._lost = lost
        self._latest = ""
        self._bar = None
        if _is_terminal(sys.stderr):
            size: dict[str, Any] = {"dynamic_ncols": True} if _has_size() else UNKNOWN_SIZE
            self._bar = tqdm(total=images(updates), desc=title, unit=" images", unit_scale=True, **size)
        self.start(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def start(self, updates: int) -> None:
        """Start the clock with this many updates already done."""
        self._first = updates
        self._steady = False  # whether the first update is done
        self._started = self._printed = time.monotonic()
        self._reset_bar(updates)

    def _reset_bar(self, updates: int) -> None:
        if self._bar is not None:
            self._bar.reset()
            self._bar.initial = self._bar.n = self._images(updates)
            self._bar.refresh()

    def advance(self, updates: int) -> None:
        """Show that this many updates are done in total since the start of the run."""
        if not self._steady:
            self._steady, self._first, self._started = True, updates, time.monotonic()
            if self._bar is not None:
                self._reset_bar(updates)
        elif self._bar is not None:
            self._bar.update(self._images(updates) - self._bar.n)
        elif updates > self._first and time.monotonic() - self._printed > LINE_SECONDS:
            self._print(updates)

    def show(self, row: dict[str, Any]) -> None:
        """Show the error rates in a row of metrics.jsonl, if it is an evaluation."""
        if "val_error" not in row:
            return
        self._latest = f"train error {row['train_error']:.2f}%, validation error {row['val_error']:.2f}%"
        if self._bar is not None:
            self._bar.set_postfix_str(self._latest, refresh=False)

    def _print(self, updates: int) -> None:
        self._printed = time.monotonic()
        done = self._images(updates)
        rate = (done - self._images(self._first)) / (self._printed - self._started)
        left = (self._images(self._updates) - done) / rate
        parts = [
            f"{self._title}: update {updates}/{self._updates}",
            f"{rate:,.0f} images/s",
            f"{in_words(left)} left",
        ]
        line = ", ".join([*parts, self._latest] if self._latest else parts)
        try:
            if sys.stderr is not None:
                say(line, sys.stderr)
        except BrokenPipeError:
            if self._lost:
                self._lost()
        except (OSError, ValueError):  # a full disk, or a terminal that is gone or closed
            return


def _is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal; False if it is closed, as a daemon's may be."""
    try:
        return stream is not None and stream.isatty()
    except (OSError, ValueError):
        return False


def _has_size() -> bool:
    """Whether the terminal reports its size; with width 0, tqdm would draw nothing."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns > 0
    except (OSError, ValueError):
        return False
