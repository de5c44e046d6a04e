"""How many times sharper one method's minima are than another's, over seeds."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, log

from gengap.report.format import interval, significant
from gengap.report.landscape.numbers import Seeds
from gengap.report.statistics import summarize

SHARPER, FLATTER, OPEN = "sharper", "flatter", "open"
_LARGEST = 709  # largest number whose exponential still fits in a float


@dataclass(frozen=True)
class Ratio:
    """The ratio of two methods' values; None, with a reason, if there is none.

    n: number of seeds that both have. value: exp of the mean of ln a - ln b over these seeds. low, high: 95 %
    interval, exp of the t-interval of that mean; None for a single seed. logs: (seed, ln a - ln b).
    """

    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    logs: tuple[tuple[int, float], ...] = ()

    @property
    def reading(self) -> str:
        """`sharper` or `flatter` if the interval excludes 1, otherwise `open`; empty without a ratio."""
        if self.value is None:
            return ""
        if self.low is None or self.high is None:
            return OPEN
        return SHARPER if self.low > 1 else FLATTER if self.high < 1 else OPEN

    @property
    def is_single(self) -> bool:
        """Whether it is open because there is only one seed."""
        return self.value is not None and self.n == 1

    @property
    def reads_as(self) -> str:
        """Reading, for tables."""
        return f"one seed: {OPEN}" if self.is_single else self.reading

    @property
    def text(self) -> str:
        """Text such as `24.7 (16.8 to 36.1; n=5)`, or the reason why there is none."""
        about = interval(significant(self.low), significant(self.high)) or self.reason
        n = f"n={self.n}" if self.is_single else f"{about}; n={self.n}"
        return f"{significant(self.value) or '–'} ({n})"


def majority(found: Collection[Ratio], reading: str, other: str) -> bool | None:
    """Whether more than half of the ratios read so and none the other way; False if reversed, else None."""
    so, not_so = (sum(r.reading == word for r in found) for word in (reading, other))
    return True if 2 * so > len(found) and not not_so else False if 2 * not_so > len(found) else None


def ratio(a: Seeds, b: Seeds) -> Ratio:
    """Compute the ratio of a to b, paired by seed, which gives the same initial weights and data order."""
    shared = sorted(a.keys() & b.keys())
    if not shared:
        return Ratio(0, reason="no seed that both have")
    if any(side[seed].value <= 0 for side in (a, b) for seed in shared):
        return Ratio(len(shared), reason="a value is not above 0")
    logs = tuple((seed, log(a[seed].value) - log(b[seed].value)) for seed in shared)
    found = summarize([value for _, value in logs])
    if found.interval is None:
        return Ratio(found.n, _exp(found.mean), reason="a single seed has no interval", logs=logs)
    low, high = found.interval
    return Ratio(found.n, _exp(found.mean), _exp(low), _exp(high), logs=logs)


def _exp(x: float) -> float:
    return exp(x) if x < _LARGEST else inf


def difference_sign(a: Mapping[int, float], b: Mapping[int, float]) -> int:
    """1 or -1 if the paired 95 % interval of a - b over seeds excludes 0, otherwise 0."""
    shared = sorted(a.keys() & b.keys())
    return summarize([a[seed] - b[seed] for seed in shared]).sign if shared else 0


def geometric_mean(values: Sequence[float]) -> float:
    """Geometric mean of positive values."""
    return exp(sum(map(log, values)) / len(values))
