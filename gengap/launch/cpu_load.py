"""Other work on this machine's cores, beside which threads that wait for one another are slow."""

import os
import time
from pathlib import Path

STAT = Path("/proc/stat")
_BUSY = (1, 2, 3, 6, 7, 8)  # fields of its first line: user, nice, system, irq, softirq, steal; proc(5)
SLACK = 0.5  # cores that may be busy besides without a word


class Neighbours:
    """What other processes take of the processor from here on; Linux only, elsewhere nothing is known."""

    def __init__(self) -> None:
        self._began = self._now()

    def busy_cores(self) -> float:
        """Cores that other processes have kept busy since, on average; 0 where that is not known."""
        (time_then, all_then, own_then), (time_now, all_now, own_now) = self._began, self._now()
        others = (all_now - all_then) - (own_now - own_then)
        return max(0.0, others / max(time_now - time_then, 1e-9))

    @staticmethod
    def _now() -> tuple[float, float, float]:
        """Seconds on the clock, of all processors' work, and of this process's."""
        own = os.times()
        return time.monotonic(), _busy_seconds(), own.user + own.system


def _busy_seconds() -> float:
    try:
        fields = STAT.read_text().split("\n", 1)[0].split()
    except OSError:
        return 0.0
    return sum(int(fields[i]) for i in _BUSY) / os.sysconf("SC_CLK_TCK")


def crowded(busy: float, threads: int, cores: int) -> str | None:
    """One line where so many threads don't fit beside so many busy cores; it names a number that does."""
    if threads == 1 or busy + threads <= cores + SLACK:
        return None
    fewer = max(1, min(threads - 1, int(cores - busy + SLACK)))
    return (
        f"other work keeps {busy:.1f} of {cores} cores busy, and {threads} threads wait for one another "
        f"there: runtime.threads={fewer} may be several times faster"
    )
