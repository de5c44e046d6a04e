"""Compare methods over a few seeds: t-tests, non-inferiority, equivalence, Holm's correction, shares.

The seeds of two cells are either independent samples, whose variances may differ, or pairs, if a seed gives
both runs the same initial weights and image order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import t, ttest_ind, ttest_rel

from gengap.report.statistics import ROUNDING

Array = NDArray[np.float64]
_NO_GAP = "SB may equal LB: there may be no gap"
_FARTHEST = 1e6  # share beyond which its interval counts as unbounded


@dataclass(frozen=True, eq=False)
class Difference:
    """Mean of `a` minus mean of `b`, for two samples (seeds,).

    It is tested with Welch's t (Welch 1947), or Student's t on the differences if a[i] and b[i] are `paired`.
    """

    a: Array
    b: Array
    paired: bool = False

    @property
    def mean(self) -> float:
        """Difference of the two means."""
        return float(self.a.mean() - self.b.mean())

    @property
    def testable(self) -> bool:
        """Whether there is any variance to test against, in either sample or in the differences of pairs."""
        if self.paired:
            moved = self.a - self.b
            return bool(np.ptp(moved) > ROUNDING * np.abs(moved).max())
        return bool(np.ptp(self.a) > 0 or np.ptp(self.b) > 0)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Compute the t-interval of the difference."""
        low, high = self._test().confidence_interval(level)
        return float(low), float(high)

    @property
    def p(self) -> float:
        """Two-sided p-value of no difference."""
        return float(self._test().pvalue)

    def superiority(self, margin: float = 0.0) -> float:
        """One-sided p-value of a difference <= margin."""
        return float(self._test(margin, "greater").pvalue)

    def non_inferiority(self, margin: float) -> float:
        """One-sided p-value of `a` being worse than `b` by at least `margin`."""
        return self.superiority(-margin)

    def equivalence(self, margin: float) -> float:
        """p-value of |difference| >= margin: the larger of two one-sided tests (TOST, Schuirmann 1987)."""
        return max(self.non_inferiority(margin), float(self._test(margin, "less").pvalue))

    def _test(
        self, null: float = 0.0, alternative: Literal["two-sided", "less", "greater"] = "two-sided"
    ) -> Any:  # scipy does not export the results' classes
        if self.paired:
            return ttest_rel(self.a - null, self.b, alternative=alternative)
        # The mean of equal values is rounded, so they would appear to vary. Shifted to zero, their variance
        # is exactly 0.
        a, b = self.a - null, self.b
        origin = a[0] if np.ptp(self.a) == 0 else b[0]
        return ttest_ind(a - origin, b - origin, equal_var=False, alternative=alternative)


def difference(a: Sequence[float], b: Sequence[float], *, paired: bool = False) -> Difference:
    """Compare the means of two samples.

    Raises:
        ValueError: a sample has fewer than two values, or paired samples differ in size.
    """
    if min(len(a), len(b)) < 2:
        raise ValueError("a t-test needs two values in each sample")
    if paired and len(a) != len(b):
        raise ValueError(f"pairs need as many values on both sides, not {len(a)} and {len(b)}")
    return Difference(np.asarray(a, dtype=float), np.asarray(b, dtype=float), paired)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust the p-values of one family of tests, keeping their order (Holm 1979)."""
    adjusted, least = [0.0] * len(p_values), 0.0
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    for rank, i in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = least
    return adjusted


def share(sb: Sequence[float], lb: Sequence[float], method: Sequence[float]) -> float:
    """Share of the gap that a method closes, from means: (method - LB) / (SB - LB)."""
    floor = np.mean(lb)
    return float((np.mean(method) - floor) / (np.mean(sb) - floor))


def share_interval(
    sb: Sequence[float],
    lb: Sequence[float],
    method: Sequence[float],
    level: float = 0.95,
    *,
    paired: bool = False,
) -> tuple[float, float]:
    """Interval of the share by Fieller's theorem (Fieller 1954).

    A share r is inside if method - (1 - r) LB - r SB does not differ from 0 in a t-test at that r: Student's
    on the values of each seed if sb[i], lb[i] and method[i] are `paired`, otherwise with Satterthwaite's
    degrees of freedom for three samples with unequal variances. The interval is thus bounded exactly if the
    same test distinguishes SB and LB.

    Raises:
        ValueError: SB may equal LB, so that any share may be inside, or nothing varies over seeds.
    """
    samples = [np.asarray(values, dtype=float) for values in (method, lb, sb)]
    combine = _of_triples if paired else _of_samples

    def beyond(r: float) -> float:
        """Compute how far this share lies outside the interval, in points of accuracy; negative inside."""
        mean, variance, freedom = combine(samples, (1.0, r - 1.0, -r))
        return float(abs(mean) - t.ppf((1 + level) / 2, freedom) * sqrt(variance))

    varying = [x - samples[0] for x in samples] if paired else samples
    if not any(np.ptp(x) > 0 for x in varying):
        raise ValueError("nothing varies over seeds, so there is nothing to compare with")
    if np.mean(sb) == np.mean(lb):
        raise ValueError(_NO_GAP)
    found = share(sb, lb, method)
    ends = [_crossing(beyond, found, direction) for direction in (-1, 1)]
    if not all(map(isfinite, ends)):
        raise ValueError(_NO_GAP)
    return ends[0], ends[1]


def _of_samples(samples: Sequence[Array], weights: Sequence[float]) -> tuple[float, float, float]:
    """Weighted sum of the means of independent samples, its variance and degrees of freedom."""
    mean = sum(w * x.mean() for w, x in zip(weights, samples, strict=True))
    parts = [w * w * x.var(ddof=1) / len(x) for w, x in zip(weights, samples, strict=True)]
    squared = sum(p * p / (len(x) - 1) for p, x in zip(parts, samples, strict=True))
    freedom = sum(parts) ** 2 / squared if squared else 1.0  # any, if what varies has a weight of 0
    return float(mean), float(sum(parts)), float(freedom)


def _of_triples(samples: Sequence[Array], weights: Sequence[float]) -> tuple[float, float, float]:
    """Mean over seeds of the weighted sum, its variance and degrees of freedom."""
    sums = np.asarray(weights) @ np.stack(samples)
    n = len(sums)
    return float(sums.mean()), float(sums.var(ddof=1)) / n, float(n - 1)


def _crossing(beyond: Any, inside: float, direction: int) -> float:
    """Find where a function first becomes positive on this side; infinite if it never does."""
    near, step = inside, 1e-3
    while step < _FARTHEST:
        far = inside + direction * step
        if beyond(far) > 0:
            return float(brentq(beyond, near, far, xtol=1e-10))
        near, step = far, 1.5 * step
    return direction * float("inf")
