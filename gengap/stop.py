"""Stopping early without losing anything: SIGTERM, Ctrl-C and the time budget."""

import signal
import time
from types import FrameType
from typing import Self

PROCESS_STARTED = time.monotonic()


class Stop:
    """Why training should stop soon: a signal that arrived, or the time budget (minutes of this process).

    Inside a `with` block the first SIGTERM or Ctrl-C is noted, and a second one acts as ever.
    """

    def __init__(self, time_budget: float | None) -> None:
        self._signal: int | None = None
        self._until = None if time_budget is None else PROCESS_STARTED + 60 * time_budget

    def __enter__(self) -> Self:
        self._before = {n: signal.signal(n, self._receive) for n in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._signal = number
        signal.signal(number, self._before[signal.Signals(number)])

    @property
    def exit_code(self) -> int:
        """Of a process ended by the signal, by a shell's convention; 0 after the time budget."""
        return 0 if self._signal is None else 128 + self._signal

    def reason(self) -> str | None:
        """In words, or None to go on."""
        if self._signal is not None:
            return signal.Signals(self._signal).name
        if self._until is not None and time.monotonic() > self._until:
            return "the time budget is used up"
        return None
