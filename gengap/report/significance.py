"""Comparing methods over a few seeds: Welch's t-test, equivalence, Holm's correction, share of the gap.

The seeds of two cells are independent samples, and their variances may differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ttest_ind

MARGIN = 0.5  # points of accuracy: a smaller difference counts as none
RESAMPLES = 10_000
_SEED = 20170524

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Difference:
    """Mean of `a` minus mean of `b`, two samples of shape (seeds,), tested with Welch's t (Welch 1947)."""

    a: Array
    b: Array

    @property
    def mean(self) -> float:
        """The difference of the two means."""
        return float(self.a.mean() - self.b.mean())

    @property
    def testable(self) -> bool:
        """Whether either sample varies. Where neither does, there is no error to test against."""
        return bool(np.ptp(self.a) > 0 or np.ptp(self.b) > 0)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Welch's t-interval of the difference."""
        low, high = _welch(self.a, self.b).confidence_interval(level)
        return float(low), float(high)

    @property
    def p(self) -> float:
        """Two-sided p-value of no difference."""
        return float(_welch(self.a, self.b).pvalue)

    def equivalence(self, margin: float = MARGIN) -> float:
        """p-value of |difference| >= margin: the larger of two one-sided tests (TOST, Schuirmann 1987)."""
        above_minus_margin = _welch(self.a + margin, self.b, "greater").pvalue
        below_margin = _welch(self.a - margin, self.b, "less").pvalue
        return float(max(above_minus_margin, below_margin))


def _welch(
    a: Array, b: Array, alternative: Literal["two-sided", "less", "greater"] = "two-sided"
) -> Any:  # scipy does not export the result's class
    # The mean of equal values is rounded, so that they would seem to vary. Shifted to zeros, they have a
    # variance of exactly 0.
    origin = a[0] if np.ptp(a) == 0 else b[0]
    return ttest_ind(a - origin, b - origin, equal_var=False, alternative=alternative)


def difference(a: Sequence[float], b: Sequence[float]) -> Difference:
    """Compare the means of two samples.

    Raises:
        ValueError: a sample has fewer than two values.
    """
    if min(len(a), len(b)) < 2:
        raise ValueError("Welch's t-test needs two values in each sample")
    return Difference(np.asarray(a, dtype=float), np.asarray(b, dtype=float))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values of one family of tests, in the order given (Holm 1979)."""
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
    """Percentile bootstrap interval of the share over seeds (Efron 1979); the same at every call.

    The three cells are resampled independently. Resamples in which SB equals LB have no share and are
    dropped.

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
