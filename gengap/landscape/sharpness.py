"""Sharpness: how much the training loss can rise near the weights, within a box or relative to their size."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gengap.landscape.arguments import check_positive, check_subspace, check_whole
from gengap.landscape.box import Maximum, Vector, maximize
from gengap.landscape.subspace import Subspace
from gengap.landscape.surface import Surface


def sharpness(
    surface: Surface, epsilon: float, subspace: Subspace | None = None, iterations: int = 10
) -> dict[str, Any]:
    """Metric 2.1 of Keskar et al. 2017: 100 (max f(x + A y) - f(x)) / (1 + f(x)), |y_i| <= ε (|(A⁺x)_i| + 1).

    Args:
        surface: loss surface f, at the weights x.
        epsilon: ε.
        subspace: A; None for the identity, i.e. the full space.
        iterations: number of L-BFGS-B iterations; for any number of them, the maximum found is a lower bound.

    Returns:
        The measurement for the record. `evaluations` counts losses with gradients, including f(x).

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: ε is not a finite number above 0, there are no iterations, or the subspace is for a
            different number of weights.
    """
    check_positive("epsilon", epsilon)
    check_subspace(subspace, surface.size)
    check_whole("iterations", iterations, 1)
    with surface.restored() as weights:
        x = weights.double().cpu()
        coordinates = x.numpy() if subspace is None else subspace.coordinates(x)
        radius = epsilon * (np.abs(coordinates) + 1)
        found = maximize(_along(surface, weights, subspace), radius, iterations)
    dimension = None if subspace is None else subspace.dimension
    rise = found.value - found.at_zero
    return {
        "epsilon": epsilon,
        "subspace": dimension,
        **_measured(surface, found),
        "sharpness": 100 * rise / (1 + found.at_zero),
    }


def adaptive_sharpness(surface: Surface, rho: float, iterations: int = 10) -> dict[str, Any]:
    """Adaptive sharpness of Kwon et al. 2021 with p = ∞: max f(x + y) - f(x) over |y_i| <= ρ |x_i|.

    Unlike Metric 2.1, it is invariant to multiplying the weights of one layer by a number and dividing those
    of another by it.

    Args:
        surface: loss surface f, at the weights x.
        rho: ρ.
        iterations: number of L-BFGS-B iterations.

    Returns:
        The measurement for the record.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: ρ is not a finite number above 0, or there are no iterations.
    """
    check_positive("rho", rho)
    check_whole("iterations", iterations, 1)
    with surface.restored() as weights:
        radius = rho * weights.double().abs().cpu().numpy()
        found = maximize(_along(surface, weights, None), radius, iterations)
    return {"rho": rho, **_measured(surface, found), "sharpness": found.value - found.at_zero}


def _measured(surface: Surface, found: Maximum) -> dict[str, Any]:
    return {
        "batch_norm": surface.mode.value,
        "loss": found.at_zero,
        "max_loss": found.value,
        "evaluations": found.evaluations,
        "iterations": found.iterations,
        "line_search": found.line_search,
        "maxcor": found.corrections,
    }


def _along(
    surface: Surface, weights: Tensor, subspace: Subspace | None
) -> Callable[[Vector], tuple[float, Vector]]:
    """Return the function that maps y to f(x + A y) and its gradient in y, where x is `weights`."""

    def function(y: Vector) -> tuple[float, Vector]:
        step = torch.from_numpy(y)
        moved = weights.double().cpu() + (step if subspace is None else subspace.expand(step))
        surface.move_to(moved.to(weights))
        loss, gradient = surface.loss_and_gradient()
        slope = gradient.cpu()
        return loss, (slope if subspace is None else subspace.project(slope)).numpy()

    return function
