"""The exponent α of a random potential, from losses at random distances (Hoffer et al. 2017, Appendix B).

A random potential has E (L(w_1) - L(w_2))² ~ ‖w_1 - w_2‖^α. The paper bins directions by distance, takes the
root mean square loss difference in each bin, and interprets a straight line in the distance as α = 2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

Array = NDArray[np.float64]

BINS = (10, 20, 30, 40, 50, 100)  # the panels of figure 4
FEWEST = 3  # bins needed for a fit, so that a line's two parameters leave one degree of freedom
ITERATIONS = 8  # of the fit; each changes the result about a tenth as much as the previous one
SMALLEST, LARGEST = 0.1, 10.0  # range of α with which distances are averaged


@dataclass(frozen=True)
class Binned:
    """Loss differences in bins of distance; arrays have one value per non-empty bin (bins,).

    Attributes:
        distance: mean distance d, computed as (mean of d^α)^(1/α), at which the mean square difference is
            expected.
        std: root mean square of L(w) - L(w_0), the paper's "std", in which the mean is not subtracted.
        mean: mean of L(w) - L(w_0). If it makes up much of the std, the loss rises or falls similarly in
            every direction, and the std says little about randomness.
        count: number of directions.
        weight: effective number of directions, (Σ d^α)² / Σ d^2α, which is lower if distances in a bin are
            very unequal.
    """

    distance: Array
    std: Array
    mean: Array
    count: Array
    weight: Array


@dataclass(frozen=True)
class PotentialFit:
    """Fit of std = scale · distance^(α/2).

    Attributes:
        alpha: α.
        error: standard error of α.
        low, high: 95 % interval of α.
        scale: std at distance 1.
        r_squared: R² of the regression of log std on log distance.
    """

    alpha: float
    error: float
    low: float
    high: float
    scale: float
    r_squared: float


def samples(measurements: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
    """Collect distances (n,) and loss differences L(w) - L(w_0) (n,) from a record's measurements."""
    distance = [d for m in measurements for d in m["distances"]]
    difference = [loss - m["loss"] for m in measurements for loss in m["losses"]]
    return np.array(distance, dtype=np.float64), np.array(difference, dtype=np.float64)


def binned(distance: Array, difference: Array, bins: int, radius: float, alpha: float = 2.0) -> Binned:
    """Sort loss differences into equal bins of [0, radius]; empty bins are dropped.

    Args:
        distance: distances from w_0 (n,), above 0.
        difference: loss differences L(w) - L(w_0) (n,).
        bins: number of bins.
        radius: largest distance.
        alpha: α with which distances are averaged.
    """
    index = np.minimum((distance / radius * bins).astype(np.int64), bins - 1)
    count = np.bincount(index, minlength=bins)
    occupied = count > 0

    def mean(values: Array) -> Array:
        return np.asarray(np.bincount(index, values, bins)[occupied] / count[occupied])

    power = mean(distance**alpha)
    return Binned(
        distance=power ** (1 / alpha),
        std=np.sqrt(mean(difference**2)),
        mean=mean(difference),
        count=count[occupied].astype(np.float64),
        weight=count[occupied] * power**2 / mean(distance ** (2 * alpha)),
    )


def fit_alpha(distance: Array, difference: Array, bins: int, radius: float) -> PotentialFit | None:
    """Fit log std to log distance by weighted least squares over bins; None with fewer than FEWEST bins.

    No direction is in two bins, so the bins' deviations from the line are independent. If differences scale
    with distance, the log of their mean square over m directions has variance c / m with the same c in every
    bin, hence the weights. c is estimated from the deviations, and the interval of α is Student's, with two
    degrees of freedom fewer than there are bins. It covers the choice of directions on a single loss surface;
    other initial weights make another surface. Other numbers of bins merely re-sort the same directions, so
    averaging over them gives neither a better estimate nor a narrower interval.

    Arguments are as in `binned`. α determines how distances are averaged, and is found by iteration.
    """
    fit, alpha = None, 2.0
    for _ in range(ITERATIONS):
        fit = _regression(binned(distance, difference, bins, radius, alpha))
        if fit is None or not SMALLEST < fit.alpha < LARGEST:
            break
        alpha = fit.alpha
    return fit


def _regression(found: Binned, level: float = 0.95) -> PotentialFit | None:
    usable = found.std > 0
    if usable.sum() < FEWEST:
        return None
    x, y, weight = np.log(found.distance[usable]), np.log(found.std[usable]), found.weight[usable]
    weight = weight / weight.sum()
    dx, dy = x - weight @ x, y - weight @ y
    spread = float(weight @ dx**2)
    slope = float(weight @ (dx * dy)) / spread
    free = len(x) - 2
    unexplained, whole = float(weight @ (dy - slope * dx) ** 2), float(weight @ dy**2)
    alpha, error = 2 * slope, 2 * float(np.sqrt(unexplained / spread / free))
    half = float(t.ppf((1 + level) / 2, free)) * error
    return PotentialFit(
        alpha=alpha,
        error=error,
        low=alpha - half,
        high=alpha + half,
        scale=float(np.exp(weight @ y - slope * (weight @ x))),
        r_squared=1 - unexplained / whole if whole > 0 else 1.0,
    )
