"""Does distance from initialisation grow like log t? Fits of one run's walk (section 4, figure 2).

One window: after clipping has ended, before the learning rate first changes. a + b ln t is compared with
a t^b by how well each predicts rows that it has not seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Array = NDArray[np.float64]
Law = Callable[[Array, Array, Array], Array]  # fitted on (t, distance), predicts at later updates

MINIMUM_ROWS = 6  # three to fit two parameters on, three to predict
MINIMUM_UPDATES = 100  # from the first to the last row: a shorter window shows the start, not a law

# A law describes a walk if it predicts the held-out rows and explains the window this well.
LARGEST_ERROR = 0.05  # of the mean distance over the held-out rows
SMALLEST_R_SQUARED = 0.9


class NoFit(Exception):  # noqa: N818  (an outcome that is shown, not an error)
    """Why a walk has no fit."""


@dataclass(frozen=True)
class WalkFit:
    """Distance = intercept + slope ln t over the window; t in updates.

    start, end: first and last row of the window. log, power: how well a + b ln t and a t^b do on it.
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

    r_squared: of the fit to the whole window. rmse: root mean square error on the last half of the window's
    rows, fitted on the first half. relative: that error over the mean distance of those rows.
    """

    r_squared: float
    rmse: float
    relative: float


def fit_walk(t: Array, distance: Array, clipped_until: float, first_change: float) -> WalkFit:
    """Fit one run's recorded rows.

    Args:
        t: updates made, ascending, shape (rows,).
        distance: L2 distance from initialisation after t updates.
        clipped_until: updates made when the last one is known to be clipped; 0 where none is.
        first_change: updates made when the learning rate first changes; infinite where it never does.

    Raises:
        NoFit: clipping lasts until the learning rate changes, or the window holds too few rows.
    """
    inside = (t > clipped_until) & (t <= first_change)
    if clipped_until and not inside.any():
        raise NoFit("clipping lasts until the learning rate changes")
    t, distance = t[inside], distance[inside]
    if len(t) < MINIMUM_ROWS:
        raise NoFit(f"too short ({len(t)} rows in the window)")
    if t[-1] - t[0] < MINIMUM_UPDATES:
        raise NoFit(f"too short ({t[-1] - t[0]:.0f} updates in the window)")
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
    """Least squares (a, b) of distance = a + b ln t."""
    slope, intercept = np.polyfit(np.log(t), distance, 1)
    return float(intercept), float(slope)


def fit_power(t: Array, distance: Array) -> tuple[float, float]:
    """Least squares (a, b) of distance = a t^b, in distance, not in its logarithm: like the log fit."""
    middle = float(np.exp(np.log(t).mean()))  # scaled by it, the two parameters are nearly uncorrelated
    scaled = t / middle

    def residuals(parameters: Array) -> Array:
        return np.asarray(parameters[0] * scaled ** parameters[1] - distance)

    found = least_squares(residuals, [distance.mean(), 0.5], xtol=1e-12, ftol=1e-12, gtol=1e-12).x
    return float(found[0] * middle ** -found[1]), float(found[1])


def predict_log(t: Array, distance: Array, later: Array) -> Array:
    """What a + b ln t, fitted on (t, distance), says for later updates."""
    a, b = fit_log(t, distance)
    return a + b * np.log(later)


def predict_power(t: Array, distance: Array, later: Array) -> Array:
    """What a t^b, fitted on (t, distance), says for later updates."""
    a, b = fit_power(t, distance)
    return np.asarray(a * later**b)


def held_out_error(t: Array, distance: Array, predict: Law) -> float:
    """Root mean square error of a law fitted on the first half of the rows, over the last half."""
    half = _half(t)
    missed = predict(t[:half], distance[:half], t[half:]) - distance[half:]
    return float(np.sqrt(np.mean(missed**2)))


def _half(t: Array) -> int:
    return (len(t) + 1) // 2


def r_squared(values: Array, predicted: Array) -> float:
    """Share of the variance explained; 1 where there is none to explain."""
    total = float(np.sum((values - values.mean()) ** 2))
    return 1.0 - float(np.sum((values - predicted) ** 2)) / total if total > 0 else 1.0


def verdict(fits: Sequence[WalkFit]) -> str:
    """The law that predicts better over the seeds, and for how many of them; `neither` where it fails too."""
    log_first = sum(f.log.rmse - f.power.rmse for f in fits) < 0
    agree = sum((f.log.rmse < f.power.rmse) == log_first for f in fits)
    law = f"{'a + b ln t' if log_first else 'a t^b'} ({agree} of {len(fits)})"
    chosen = [f.log if log_first else f.power for f in fits]
    holds = (
        np.mean([q.relative for q in chosen]) <= LARGEST_ERROR
        and np.mean([q.r_squared for q in chosen]) >= SMALLEST_R_SQUARED
    )
    return law if holds else f"neither; closer: {law}"
