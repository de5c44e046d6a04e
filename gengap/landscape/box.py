"""The largest value of a function in a box around 0, by scipy's L-BFGS-B (Byrd, Lu, Nocedal & Zhu 1995)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize
from threadpoolctl import threadpool_limits

Vector = NDArray[np.float64]
Function = Callable[[Vector], tuple[float, Vector]]  # of a point (n,): value and gradient (n,)

MOST_CORRECTIONS = 10  # scipy's default; more would not be used in 10 iterations
WORK_BYTES = 512 * 2**20  # of L-BFGS-B: 2mn + 5n doubles at m corrections
EVALUATIONS_PER_ITERATION = 20  # the line search gives up after as many
STEEP = 10  # mean |gradient| at 0 in the box's own units: the first step then goes to most of its faces
ABNORMAL = "ABNORMAL"  # how scipy's message begins when the line search has failed


@dataclass(frozen=True)
class Maximum:
    """What was found.

    Attributes:
        value: the largest value of all evaluations, at least that at 0.
        at_zero: the value at 0.
        evaluations: of the function with its gradient.
        iterations: of L-BFGS-B.
        line_search: how the maximization ended: "converged", "limit" (of iterations), or "abnormal" with
            scipy's words, where the line search found no larger value along its direction.
        corrections: m, the pairs of vectors that stand for the Hessian.
    """

    value: float
    at_zero: float
    evaluations: int
    iterations: int
    line_search: str
    corrections: int


def maximize(function: Function, radius: Vector, iterations: int = 10) -> Maximum:
    """Maximize a function in the box |y_i| <= radius_i, from 0.

    The variables are y_i / radius_i, and the function is scaled to a mean absolute gradient of STEEP in them
    at 0: neither the unit of the loss nor the size of the box then decides how far the first steps go.
    scipy's tolerances are 0: at a trained network's weights, its own would stop it before the first step.

    Args:
        function: value and gradient at y (n,).
        radius: half the box's side in each direction (n,), not negative.
        iterations: at most.
    """
    size = len(radius)
    best = -np.inf
    evaluations = 0
    are_finite = True

    def evaluate(unit: Vector) -> tuple[float, Vector]:
        nonlocal best, evaluations, are_finite
        value, gradient = function(radius * unit)
        evaluations += 1
        are_finite &= bool(np.isfinite(value))
        best = max(best, value) if np.isfinite(value) else best
        return value, gradient * radius

    at_zero, slope = evaluate(np.zeros(size))
    scale = float(np.abs(slope).mean()) / STEEP
    corrections = corrections_for(size)
    if not np.isfinite(scale) or scale == 0:
        ended = "converged: the gradient is 0" if scale == 0 else "abnormal: the gradient is not finite"
        return Maximum(best, at_zero, evaluations, 0, ended, corrections)
    first: tuple[float, Vector] | None = (at_zero, slope)

    def negated(unit: Vector) -> tuple[float, Vector]:
        nonlocal first
        value, gradient = first if first is not None else evaluate(unit)  # scipy begins at 0
        first = None
        return -value / scale, -gradient / scale

    with one_thread():
        found = minimize(
            negated,
            np.zeros(size),
            jac=True,
            method="L-BFGS-B",
            bounds=Bounds(-np.ones(size), np.ones(size)),
            options={
                "maxiter": iterations,
                "maxfun": EVALUATIONS_PER_ITERATION * (iterations + 1),
                "maxls": EVALUATIONS_PER_ITERATION,
                "maxcor": corrections,
                "ftol": 0.0,
                "gtol": 0.0,
            },
        )
    ended = _ended(str(found.message)) if are_finite else "abnormal: the loss is not finite in the whole box"
    return Maximum(best, at_zero, evaluations, int(found.nit), ended, corrections)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let scipy's own linear algebra use one thread: on a busy machine, several wait for each other.

    The result then depends on no number of cores either. torch has threads of its own.
    """
    with threadpool_limits(1, user_api="blas"):
        yield


def corrections_for(size: int) -> int:
    """m such that the work area stays within WORK_BYTES, from 1 to MOST_CORRECTIONS."""
    return int(np.clip((WORK_BYTES / (8 * size) - 5) // 2, 1, MOST_CORRECTIONS))


def _ended(message: str) -> str:
    if message.startswith(ABNORMAL):
        return f"abnormal: {message}".rstrip(" :,")
    return "limit" if "LIMIT" in message.upper() else "converged"
