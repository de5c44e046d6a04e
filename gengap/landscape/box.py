"""Maximize a function in a box around 0 with scipy's L-BFGS-B (Byrd, Lu, Nocedal & Zhu 1995)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize
from threadpoolctl import threadpool_limits

Vector = NDArray[np.float64]
Function = Callable[[Vector], tuple[float, Vector]]  # maps a point (n,) to value and gradient (n,)

MOST_CORRECTIONS = 10  # scipy's default; 10 iterations can't use more
WORK_BYTES = 512 * 2**20  # memory for L-BFGS-B, which needs 2mn + 5n doubles with m corrections
EVALUATIONS_PER_ITERATION = 20  # the line search gives up after this many
STEEP = 10  # mean |gradient| at 0 in units of the box, so that the first step reaches most of its faces
ABNORMAL = "ABNORMAL"  # prefix of scipy's message when the line search has failed


@dataclass(frozen=True)
class Maximum:
    """Result of a maximization.

    Attributes:
        value: largest value in any evaluation, at least the value at 0.
        at_zero: value at 0.
        evaluations: number of evaluations of the function and its gradient.
        iterations: number of L-BFGS-B iterations.
        line_search: how the maximization ended: "converged", "limit" (of iterations), or "abnormal" with
            scipy's message, if the line search found no larger value along its direction.
        corrections: m, the number of vector pairs that approximate the Hessian.
    """

    value: float
    at_zero: float
    evaluations: int
    iterations: int
    line_search: str
    corrections: int


def maximize(function: Function, radius: Vector, iterations: int = 10) -> Maximum:
    """Maximize a function in the box |y_i| <= radius_i, starting at 0.

    The variables are y_i / radius_i, and the function is scaled so that its mean absolute gradient in them is
    STEEP at 0, so the first steps depend neither on the unit of the loss nor on the size of the box. scipy's
    tolerances are set to 0: at a trained network's weights, its defaults would stop before the first step.

    Args:
        function: returns value and gradient at y (n,).
        radius: half the side of the box in each direction (n,), non-negative.
        iterations: maximum number of iterations.
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
        value, gradient = first if first is not None else evaluate(unit)  # scipy starts at 0
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
    """Limit scipy's own linear algebra to one thread: several wait for each other on a busy machine.

    This also makes the result independent of the number of cores. torch has its own threads.
    """
    with threadpool_limits(1, user_api="blas"):
        yield


def corrections_for(size: int) -> int:
    """Choose m from 1 to MOST_CORRECTIONS such that the work area stays within WORK_BYTES."""
    return int(np.clip((WORK_BYTES / (8 * size) - 5) // 2, 1, MOST_CORRECTIONS))


def _ended(message: str) -> str:
    if message.startswith(ABNORMAL):
        return f"abnormal: {message}".rstrip(" :,")
    return "limit" if "LIMIT" in message.upper() else "converged"
