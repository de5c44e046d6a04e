"""Stopping early without losing anything: SIGTERM, Ctrl-C and the time budget."""

import signal
import time
from pathlib import Path
from types import FrameType
from typing import Self

from gengap.errors import UNFINISHED


class Stop:
    """Why training should stop soon: a signal that arrived, or the time budget of the command.

    Inside a `with` block the first SIGTERM or Ctrl-C is noted, and a second one acts as ever. Processes that
    share a `flag` file stop together: the signal's number is written there.

    Args:
        time_budget: minutes since `started`; no limit when None.
        started: when the command began, in seconds as time.time() counts; now when None.
        flag: a path where nothing is yet.
    """

    def __init__(
        self, time_budget: float | None, started: float | None = None, flag: Path | None = None
    ) -> None:
        self._signal: int | None = None
        started = time.time() if started is None else started
        self._until = None if time_budget is None else started + 60 * time_budget
        self.flag = flag

    def __enter__(self) -> Self:
        self._before = {n: signal.signal(n, self._receive) for n in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._signal = number
        signal.signal(number, self._before[signal.Signals(number)])
        if self.flag is not None:
            self.flag.write_text(str(number))

    @property
    def exit_code(self) -> int:
        """Of a command ended by the signal, by a shell's convention; UNFINISHED after the time budget."""
        return UNFINISHED if self._signal is None else 128 + self._signal

    def reason(self) -> str | None:
        """In words, or None to go on."""
        if self._signal is None and self.flag is not None and self.flag.exists():
            self._signal = int(self.flag.read_text() or signal.SIGTERM)
        if self._signal is not None:
            return signal.Signals(self._signal).name
        if self._until is not None and time.time() > self._until:
            return "the time budget is used up"
        return None
