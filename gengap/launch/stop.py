"""Stop early with a checkpoint: on a signal, on Ctrl-C, or when the time budget runs out."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Self

from gengap.errors import FAILED, UNFINISHED

# Scheduler's end, Ctrl-C, closed terminal, and early warnings: `sbatch --signal=USR1@60`, submitit's USR2
WARNINGS = ("SIGUSR1", "SIGUSR2")
SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP", *WARNINGS) if hasattr(signal, name)
)


class Stop:
    """Tells whether training should stop early, because of a signal or the command's time budget.

    Inside a `with` block in the main thread, the first signal of SIGNALS is only recorded, and a second one
    acts as usual. Signals the process ignores, such as SIGHUP under nohup, stay ignored. Processes that share
    a `flag` file stop together: the signal's number is written to it, unless a process only `listens`. Ranks
    that train together use `agreed` to stop at the same update.

    Args:
        time_budget: minutes since `started`; None for no limit.
        started: time.time() at the start of the command; None for now.
        flag: path of the flag file, which must not exist yet.
        patient: whether to record every signal. Launchers of ranks forward signals that the ranks have
            already received themselves, and kill ranks that take too long.
        listens: whether to keep a signal to this process from stopping the others.
    """

    def __init__(
        self,
        time_budget: float | None,
        started: float | None = None,
        flag: Path | None = None,
        *,
        patient: bool = False,
        listens: bool = False,
    ) -> None:
        self._listens = listens
        self._signal: int | None = None
        self._given_up = ""
        started = time.time() if started is None else started
        self._until = None if time_budget is None else started + 60 * time_budget
        self.flag, self._patient = flag, patient
        self._clean_up: Callable[[], None] = _nothing

    def __enter__(self) -> Self:
        self._before = {n: signal.signal(n, self._receive) for n in _catchable()}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if not self._patient:
            signal.signal(number, self._before[signal.Signals(number)])
        self.record(number)

    def record(self, number: int) -> None:
        """Stop as if this signal had been received."""
        self._signal = number
        if self.flag is not None and not self._listens:
            self._raise_flag(self.flag, number)

    @staticmethod
    def _raise_flag(flag: Path, number: int) -> None:
        part = flag.with_name(f"{flag.name}-{os.getpid()}")
        with suppress(OSError):  # on a full disk, the file is created but stays empty
            part.write_text(str(number))
        with suppress(OSError):
            part.replace(flag)  # atomic, so that no process reads the file before the number is in it

    def give_up(self, reason: str) -> None:
        """Start no further run, since it would meet the same fault."""
        self._given_up = reason

    @contextmanager
    def before_exit(self, say: Callable[[str], None]) -> Iterator[None]:
        """Make a signal that isn't recorded clean up and `say` its name before it ends the process."""

        def receive(number: int, frame: FrameType | None) -> None:
            self._clean_up()
            say(signal.Signals(number).name)
            signal.signal(number, before[signal.Signals(number)])
            signal.raise_signal(number)

        before = {n: signal.signal(n, receive) for n in _catchable()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def cleaning_up(self, clean_up: Callable[[], None]) -> Iterator[None]:
        """Call `clean_up` if KeyboardInterrupt, or a signal inside `before_exit`, ends the block."""
        self._clean_up = clean_up
        try:
            yield
        except KeyboardInterrupt:
            clean_up()
            raise
        finally:
            self._clean_up = _nothing

    @property
    def is_warned(self) -> bool:
        """Whether the signal was a scheduler's warning that another handler in this process also expects."""
        found = None if self._signal is None else signal.Signals(self._signal)
        return found is not None and found.name in WARNINGS and callable(signal.getsignal(found))

    def pass_on(self) -> None:
        """Resend the recorded signal, if any, to this process, to act as usual outside the `with` block."""
        if self._signal is not None:
            signal.raise_signal(self._signal)

    @property
    def exit_code(self) -> int:
        """128 plus the signal number, as in shells; UNFINISHED after the time budget; FAILED if given up."""
        if self._given_up:
            return FAILED
        return UNFINISHED if self._signal is None else 128 + self._signal

    def agreed(self, largest: Callable[[int], int]) -> str | None:
        """Like `reason`, but the same on all ranks.

        Args:
            largest: returns the largest of the numbers passed by all ranks.
        """
        mine = 0 if self.reason() is None else 1 + (self._signal or 0)
        found = largest(mine)
        if not found:  # even if this rank has a reason by now
            return None
        if found > 1:
            self._signal = found - 1
        else:
            self._until = 0.0
        return self.reason()

    def reason(self) -> str | None:
        """Reason why training should stop, or None."""
        if self._signal is None and self.flag is not None and self.flag.exists():
            self._signal = int(self.flag.read_text() or signal.SIGTERM)
        if self._signal is not None:
            return signal.Signals(self._signal).name
        if self._given_up:
            return self._given_up
        if self._until is not None and time.time() > self._until:
            return "the time budget is used up"
        return None


def _catchable() -> tuple[signal.Signals, ...]:
    if threading.current_thread() is not threading.main_thread():
        return ()
    return tuple(number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN)


def _nothing() -> None:
    """Do nothing: there is nothing to clean up outside a run."""
