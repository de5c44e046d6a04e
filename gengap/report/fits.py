"""Does the distance from initialization grow like log t? Fits of a run's walk (section 4, figure 2).

The window starts after the transient (once momentum has built up and clipping has ended) and ends when the
learning rate first changes. a + b ln t and a t^b are compared by how well each predicts held-out rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Array = NDArray[np.float64]
Law = Callable[[Array, Array, Array], Array]  # (t, distance, later): fits the first two, predicts at `later`

MINIMUM_ROWS = 6  # three to fit two parameters, three to predict
MINIMUM_UPDATES = 100  # from first to last row; a shorter window would show transients, not a law

# A law describes a walk if it predicts the held-out rows and fits the window at least this well
LARGEST_ERROR = 0.05  # relative to the mean held-out distance
SMALLEST_R_SQUARED = 0.9
LOG, POWER, NEITHER = "a + b ln t", "a t^b", "neither; closer: "


class NoFit(Exception):  # noqa: N818  (an outcome that is shown, not an error)
    """Reason why a walk has no fit."""


@dataclass(frozen=True)
class WalkFit:
    """Fit of distance = intercept + slope ln t over the window, with t in updates.

    start, end: updates of the first and last row. rows: number of rows. log, power: quality of a + b ln t and
    of a t^b.
    """

    start: int
    end: int
    rows: int
    intercept: float
    slope: float
    log: "Quality"
    power: "Quality"


@dataclass(frozen=True)
class Quality:
    """How well a law describes a walk.

    r_squared: R² of the fit to the whole window. rmse: root mean square error on the last half of the rows of
    a fit to the first half. relative: rmse divided by the mean distance in the last half.
    """

    r_squared: float
    rmse: float
    relative: float


def fit_walk(t: Array, distance: Array, after: float, first_change: float) -> WalkFit:
    """Fit one run's recorded rows.

    Args:
        t: updates (rows,), ascending.
        distance: L2 distance from initialization after t updates (rows,).
        after: end of the transient, in updates; 0 if there is none.
        first_change: update at which the learning rate first changes; inf if it never does.

    Raises:
        NoFit: no or too few rows are left after the transient, or nothing moves.
    """
    inside = (t > after) & (t <= first_change)
    if after and not inside.any():
        raise NoFit("no row between the transient and the first change of the learning rate")
    t, distance = t[inside], distance[inside]
    if len(t) < MINIMUM_ROWS:
        raise NoFit(f"too short ({len(t)} rows in the window)")
    if t[-1] - t[0] < MINIMUM_UPDATES:
        raise NoFit(f"too short ({t[-1] - t[0]:.0f} updates in the window)")
    if not distance[_half(t) :].any():
        raise NoFit("the distance is 0")
    intercept, slope = fit_log(t, distance)
    return WalkFit(
        start=int(t[0]),
        end=int(t[-1]),
        rows=len(t),
        intercept=intercept,
        slope=slope,
        log=_quality(t, distance, predict_log),
        power=_quality(t, distance, predict_power),
    )


def _quality(t: Array, distance: Array, predict: Law) -> Quality:
    rmse = held_out_error(t, distance, predict)
    held_out = distance[_half(t) :]
    return Quality(r_squared(distance, predict(t, distance, t)), rmse, rmse / float(held_out.mean()))


def fit_log(t: Array, distance: Array) -> tuple[float, float]:
    """Fit (a, b) of distance = a + b ln t by least squares."""
    slope, intercept = np.polyfit(np.log(t), distance, 1)
    return float(intercept), float(slope)


def fit_power(t: Array, distance: Array) -> tuple[float, float]:
    """Fit (a, b) of distance = a t^b by least squares; like the log fit in distance, not in its logarithm."""
    middle = float(np.exp(np.log(t).mean()))  # scaling by this nearly decorrelates a and b
    scaled = t / middle

    def residuals(parameters: Array) -> Array:
        return np.asarray(parameters[0] * scaled ** parameters[1] - distance)

    found = least_squares(residuals, [distance.mean(), 0.5], xtol=1e-12, ftol=1e-12, gtol=1e-12).x
    return float(found[0] * middle ** -found[1]), float(found[1])


def predict_log(t: Array, distance: Array, later: Array) -> Array:
    """Predict the distance at later updates by a + b ln t, fitted on (t, distance)."""
    a, b = fit_log(t, distance)
    return a + b * np.log(later)


def predict_power(t: Array, distance: Array, later: Array) -> Array:
    """Predict the distance at later updates by a t^b, fitted on (t, distance)."""
    a, b = fit_power(t, distance)
    return np.asarray(a * later**b)


def held_out_error(t: Array, distance: Array, predict: Law) -> float:
    """Root mean square error on the last half of the rows, for a law fitted to the first half."""
    half = _half(t)
    errors = predict(t[:half], distance[:half], t[half:]) - distance[half:]
    return float(np.sqrt(np.mean(errors**2)))


def _half(t: Array) -> int:
    return (len(t) + 1) // 2


def r_squared(values: Array, predicted: Array) -> float:
    """Fraction of the variance explained; 1 if there is no variance."""
    total = float(np.sum((values - values.mean()) ** 2))
    return 1.0 - float(np.sum((values - predicted) ** 2)) / total if total > 0 else 1.0


def verdict(fits: Sequence[WalkFit]) -> str:
    """Name the law that predicts better for most seeds, and for how many; `neither` if it does not hold.

    In a tie, it is the law with the smaller total error over all seeds.
    """
    for_log = sum(f.log.rmse < f.power.rmse for f in fits)
    tied = 2 * for_log == len(fits)
    log_better = sum(f.log.rmse - f.power.rmse for f in fits) < 0 if tied else 2 * for_log > len(fits)
    agree = for_log if log_better else len(fits) - for_log
    law = f"{LOG if log_better else POWER} ({agree} of {len(fits)})"
    chosen = [f.log if log_better else f.power for f in fits]
    holds = (
        np.mean([q.relative for q in chosen]) <= LARGEST_ERROR
        and np.mean([q.r_squared for q in chosen]) >= SMALLEST_R_SQUARED
    )
    return law if holds else NEITHER + law
