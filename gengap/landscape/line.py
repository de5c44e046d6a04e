"""Loss and error along a path between two trained networks (Keskar et al. 2017, figures 3 and 7)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gengap.config.identity import run_name
from gengap.config.schema import Config
from gengap.errors import UserError
from gengap.landscape import batch_norm
from gengap.landscape.batch_norm import Mode, Statistics
from gengap.landscape.settings import Line
from gengap.landscape.subject import Subject
from gengap.training.flat import Flat

FIRST, LAST = -1.0, 2.0  # range of α on a straight line, as in Keskar et al.


def line(subject: Subject, settings: Line, start: Config, done: int) -> Iterator[dict[str, Any]]:
    """Yield mean loss and error (%) on training and validation set at each α, skipping the first `done`.

    The straight line is α w_end + (1 - α) w_start, the curved path sin(α π/2) w_end + cos(α π/2) w_start. All
    trainable weights move. Between networks, running statistics are those of the nearer end
    (batch_norm=trained) or interpolated linearly like weights on a straight line (batch_norm=interpolated).

    Args:
        subject: run at α = 1.
        settings: settings of the measurement.
        start: configuration of the run at α = 0.
        done: number of values of α already measured.

    Raises:
        UserError: the networks don't match, or one has no trained weights.
    """
    surface = subject.surface(subject.trained(start))
    other = subject.trained()
    at_start, at_end = surface.flat, Flat(other)
    if _shapes(at_start) != _shapes(at_end):
        raise UserError(
            f"{run_name(start)}, the line's start, is another network than {run_name(subject.config)}: "
            "set start to an experiment with the same model.name, model.options and number of classes"
        )
    first, last = at_start.weights.double().clone(), at_end.weights.double()
    mode = Mode(settings.batch_norm)
    running = None
    if mode in (Mode.TRAINED, Mode.INTERPOLATED):
        running = batch_norm.running(surface.network), batch_norm.running(other)
    for alpha in alphas(settings)[done:]:
        surface.move_to(between(first, last, alpha, settings.path).to(surface.flat.weights))
        statistics = _statistics(running, mode, alpha) if running else None
        if mode == Mode.RECOMPUTED:
            statistics = surface.statistics()
        train = surface.measure(statistics=statistics)
        validation = surface.measure(subject.validation, statistics)
        yield {
            "alpha": alpha,
            "path": settings.path,
            "batch_norm": mode.value,
            **dict(zip(("train_loss", "train_error"), map(_finite, train), strict=True)),
            **dict(zip(("val_loss", "val_error"), map(_finite, validation), strict=True)),
        }


def _shapes(flat: Flat) -> list[tuple[str, torch.Size]]:
    return [(name, p.shape) for name, p in zip(flat.names, flat.parameters, strict=True)]


def alphas(settings: Line) -> list[float]:
    """Values of α: [-1, 2] on a straight line, [0, 1] on a curved path, including exactly 0 and 1."""
    ends = (FIRST, LAST) if settings.path == "linear" else (0.0, 1.0)
    spaced = np.linspace(*ends, settings.points).round(12)
    return sorted({*map(float, spaced), 0.0, 1.0})


def between(start: Tensor, end: Tensor, alpha: float, path: str) -> Tensor:
    """Compute the point on a path at α, which is exactly the start at 0 and the end at 1."""
    if path == "linear":
        return torch.lerp(start, end, alpha)
    if alpha in (0, 1):
        return end if alpha else start
    return float(np.sin(alpha * np.pi / 2)) * end + float(np.cos(alpha * np.pi / 2)) * start


def _statistics(running: tuple[Statistics, Statistics], mode: Mode, alpha: float) -> Statistics:
    start, end = running
    weight = alpha if mode == Mode.INTERPOLATED else float(alpha >= 0.5)
    return batch_norm.interpolated(start, end, weight)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
