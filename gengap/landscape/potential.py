"""The loss as a random potential: its values along random directions (Hoffer et al. 2017, Appendix B)."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gengap.landscape.initial import initial_network
from gengap.landscape.settings import Potential
from gengap.landscape.subject import Subject
from gengap.landscape.surface import Surface
from gengap.randomness import Purpose, generator

DIRECTIONS = 50  # per measurement; a kill loses at most this many


def potential(subject: Subject, settings: Potential, done: int) -> Iterator[dict[str, Any]]:
    """Measure distances ‖w - w_0‖ and losses L(w) at w = w_0 + z v, v random directions, z ~ U[0, radius].

    Directions are uniform on the unit sphere of all trainable weights, including those of batch norm. Before
    training, running statistics are 0 and 1, so with batch_norm=trained nothing is normalized.

    Args:
        subject: provides w_0, its initial weights or Glorot's, and L, the loss on its training set.
        settings: settings of the measurement.
        done: number of measurements already made, of DIRECTIONS directions each.

    Yields:
        `loss`, which is L(w_0), and the lists `distances` and `losses`.
    """
    surface = subject.surface(initial_network(subject, settings))
    seed = subject.config.seed
    with surface.restored() as start:
        loss = surface.loss()
        for first in range(done * DIRECTIONS, settings.directions, DIRECTIONS):
            numbers = range(first, min(first + DIRECTIONS, settings.directions))
            distances, losses = _measured(surface, start, settings.radius, seed, numbers)
            yield {
                "initial": settings.initial,
                "radius": settings.radius,
                "batch_norm": surface.mode.value,
                "loss": loss,
                "distances": distances,
                "losses": losses,
            }


def _measured(
    surface: Surface, start: Tensor, radius: float, seed: int, numbers: Sequence[int]
) -> tuple[list[float], list[float]]:
    distances, losses = [], []
    for number in numbers:
        moved = start.double() + random_step(len(start), radius, seed, number).to(start.device)
        surface.move_to(moved.to(start))
        # Measured from the weights as rounded to their dtype
        distances.append(float(torch.linalg.vector_norm(surface.flat.weights.double() - start.double())))
        losses.append(surface.loss())
    return distances, losses


def random_step(size: int, radius: float, seed: int, number: int) -> Tensor:
    """Draw z v (size,) in float64, v a random unit vector, z ~ U[0, radius]: a function of (seed, number)."""
    draw = generator(seed, Purpose.DIRECTION, number)
    distance = radius * draw.random()
    direction = draw.standard_normal(size)
    return torch.from_numpy(distance / np.linalg.norm(direction) * direction)
