"""Comparing methods over few seeds: Welch's t, equivalence, Holm's correction, a bootstrap of the closed gap.

Seeds of two cells are taken as independent samples, of unequal variance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from scipy.stats import t as student

MARGIN = 0.5  # points of accuracy that count as no difference
RESAMPLES = 10_000
_SEED = 20170524


@dataclass(frozen=True)
class Difference:
    """Mean of `a` minus mean of `b`, its standard error and Welch-Satterthwaite degrees of freedom.

    Without any spread on either side the error is 0, the degrees are infinite, and nothing can be tested.
    """

    n_a: int
    n_b: int
    mean: float
    error: float
    degrees: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Welch's t-interval of the difference."""
        half_width = float(student.ppf((1 + level) / 2, self.degrees)) * self.error
        return self.mean - half_width, self.mean + half_width

    @property
    def p(self) -> float:
        """Two-sided p-value of no difference (Welch 1947)."""
        return 2 * self._above(abs(self.mean))

    def equivalence(self, margin: float = MARGIN) -> float:
        """P-value of a difference of at least `margin` either way: two one-sided tests (Schuirmann 1987)."""
        return max(self._above(self.mean + margin), self._above(margin - self.mean))

    def _above(self, distance: float) -> float:
        return float(student.sf(distance / self.error, self.degrees))


def welch(a: Sequence[float], b: Sequence[float]) -> Difference:
    """Compare the means of two samples.

    Raises:
        ValueError: a side has fewer than two values.
    """
    if min(len(a), len(b)) < 2:
        raise ValueError("Welch's t needs two values a side")
    parts = [(_variance(side) / len(side), len(side) - 1) for side in (a, b)]
    squared = sum(part for part, _ in parts)
    mean = float(np.mean(a) - np.mean(b))
    if squared == 0:
        return Difference(len(a), len(b), mean, 0.0, inf)
    # Relative parts: their squares could underflow otherwise.
    degrees = 1 / sum((part / squared) ** 2 / freedom for part, freedom in parts)
    return Difference(len(a), len(b), mean, sqrt(squared), degrees)


def _variance(values: Sequence[float]) -> float:
    # Equal values have a rounded mean, and so would get a variance of rounding noise.
    return 0.0 if max(values) == min(values) else float(np.var(values, ddof=1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values of one family, in the order given (Holm 1979)."""
    adjusted, least = [0.0] * len(p_values), 0.0
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    for rank, i in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = least
    return adjusted


def share(sb: Sequence[float], lb: Sequence[float], method: Sequence[float]) -> float:
    """The share of the gap that a method closes: (method - LB) / (SB - LB), of means."""
    floor = np.mean(lb)
    return float((np.mean(method) - floor) / (np.mean(sb) - floor))


def share_interval(
    sb: Sequence[float], lb: Sequence[float], method: Sequence[float], level: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of the share over seeds (Efron 1979), the same at every call.

    The three cells are resampled independently. A resample in which SB equals LB has no share and is
    left out.

    Raises:
        ValueError: SB equals LB in every resample.
    """
    generator = np.random.Generator(np.random.PCG64(_SEED))
    top, floor, middle = (
        np.asarray(side)[generator.integers(len(side), size=(RESAMPLES, len(side)))].mean(axis=1)
        for side in (sb, lb, method)
    )
    gap = top - floor
    kept = gap != 0
    if not kept.any():
        raise ValueError("SB equals LB: there is no gap")
    tails = [50 * (1 - level), 50 * (1 + level)]
    low, high = np.percentile((middle - floor)[kept] / gap[kept], tails)
    return float(low), float(high)
