"""Progress of a run: a bar on a terminal, plain lines now and then elsewhere."""

import sys
import time
from typing import Any, Self

from tqdm import tqdm

PLAIN_LINE_SECONDS = 15.0


class Progress:
    """Shows updates done as images, images/s, time left and the current error."""

    def __init__(self, title: str, updates: int, batch_size: int) -> None:
        self._title, self._updates, self._batch_size = title, updates, batch_size
        self._latest = ""
        self._bar = None
        if sys.stderr.isatty():
            self._bar = tqdm(
                total=updates * batch_size, desc=title, unit=" images", unit_scale=True, dynamic_ncols=True
            )
        self.start(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def start(self, done: int) -> None:
        """Begin to count from so many updates: speed is that of the updates made since."""
        self._first = self.done = done
        self._started = self._printed = time.monotonic()
        if self._bar is not None:
            self._bar.reset()
            self._bar.initial = self._bar.n = done * self._batch_size

    def advance(self, done: int) -> None:
        """Tell that so many updates are done."""
        if self._bar is not None:
            self._bar.update((done - self.done) * self._batch_size)
        self.done = done
        if self._bar is None and time.monotonic() - self._printed > PLAIN_LINE_SECONDS:
            self._print()

    def show(self, row: dict[str, Any]) -> None:
        """Show the errors of an evaluation."""
        if "val_error" not in row:
            return
        self._latest = f"train error {row['train_error']:.2f} %, validation error {row['val_error']:.2f} %"
        if self._bar is not None:
            self._bar.set_postfix_str(self._latest, refresh=False)

    def _print(self) -> None:
        self._printed = time.monotonic()
        rate = (self.done - self._first) / (self._printed - self._started)
        left = (self._updates - self.done) / rate
        parts = [
            f"{self._title}: update {self.done}/{self._updates}",
            f"{rate * self._batch_size:,.0f} images/s",
            f"{left / 60:.1f} min left",
        ]
        print(", ".join([*parts, self._latest] if self._latest else parts), file=sys.stderr, flush=True)
