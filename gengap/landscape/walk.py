"""Steps of a random walk: mean and covariance of an update (Hoffer et al. 2017, section 4)."""

import logging
from collections.abc import Iterator, Sequence
from math import sqrt
from typing import Any

import numpy as np

from gengap.config.schema import Config
from gengap.errors import UserError
from gengap.landscape.gradient_noise import Estimate, gradient_noise
from gengap.landscape.gradients import BATCH, Gradients, batch_gradients
from gengap.landscape.replay import recorded_distances, replayed, spaced_updates
from gengap.landscape.settings import Walk
from gengap.landscape.subject import Subject
from gengap.learning_rate import scaled_lr
from gengap.randomness import Purpose, key
from gengap.regime import build_regime
from gengap.training.distance import distance
from gengap.training.trainer import Trainer

RULES = ("none", "sqrt")  # learning-rate rules; the second is eq. 7

log = logging.getLogger(__name__)


def walk(subject: Subject, settings: Walk, done: int) -> Iterator[dict[str, Any]]:
    """Measure mean and covariance of Δw = -η ĝ at several batch sizes, at a run's start and as it trains.

    The run's training is repeated up to the end of its highest learning rate; gradients of independent
    batches are computed along the way without affecting it. Momentum, weight decay and clipping, which turn
    gradients into the run's own updates, are left out. ADAM steps are not multiples of the gradient, so their
    keys, `step_...`, are null.

    Args:
        subject: run to measure.
        settings: settings of the measurement.
        done: number of measurements already made.

    Yields:
        One measurement per number of updates and batch size; the first also lists the parameter tensors'
        names.

    Raises:
        UserError: a batch is larger than the training set, or not a multiple of the ghosts it is split into.
    """
    config = subject.config
    samples = len(subject.splits.train)
    points, sizes = planned(subject, settings)
    recorded = recorded_distances(subject)
    if not done and not _steps_along(config):
        log.info("ADAM's updates are not -η ĝ: step_mean, step_std and step_covariance are left out (null)")
    begun = done // len(sizes)
    for update, trainer in replayed(subject, points[begun:]):
        moved = distance(trainer.flat.weights, trainer.initial)
        for size in sizes[done - begun * len(sizes) :] if update == points[begun] else sizes:
            of_run = {"samples": samples, "distance": moved, "run_distance": recorded.get(update)}
            names = {"tensors": trainer.flat.names} if (update, size) == (points[0], sizes[0]) else {}
            yield {"update": update, **of_run, **_measured(subject, settings, trainer, update, size), **names}


def planned(subject: Subject, settings: Walk) -> tuple[Sequence[int], Sequence[int]]:
    """Plan the numbers of updates and the batch sizes at which to measure.

    Raises:
        UserError: as for `walk`.
    """
    config, samples = subject.config, len(subject.splits.train)
    points = spaced_updates(build_regime(config, samples), settings.points)
    return points, _sizes(config, settings, samples)


def _sizes(config: Config, settings: Walk, samples: int) -> Sequence[int]:
    small, large, ghost = config.workload.small_batch, config.workload.large_batch, config.workload.ghost_size
    doubled = [small * 2**k for k in range(20)]
    sizes = settings.sizes or (*(size for size in doubled if size < large), large)
    for size in sizes:
        if size > samples:
            raise UserError(
                f"sizes={size} is more than the {samples} training images: set sizes to smaller batches"
            )
        if settings.batch_norm != BATCH and size > ghost and size % ghost:
            raise UserError(
                f"sizes={size} is no multiple of the ghost size: set sizes to multiples of {ghost}"
            )
    return sizes


def _measured(subject: Subject, settings: Walk, trainer: Trainer, update: int, size: int) -> dict[str, Any]:
    config, mode = subject.config, settings.batch_norm
    seed = key(key(config.seed, Purpose.DRAW, update), Purpose.DRAW, size)
    ghost = config.workload.ghost_size
    gradients = batch_gradients(trainer, mode, size, ghost, settings.draws, seed, subject.between)
    found = gradient_noise(gradients.products.sum(axis=0), gradients.per_sample)
    return {
        "batch_norm": mode,
        "batch_size": size,
        "ghost_size": None if mode == BATCH else min(size, ghost),
        "draws": settings.draws,
        **_named("covariance", found.covariance),
        **_named("squared_mean", found.squared_mean),
        **_named("noise_scale", found.noise_scale),
        **_steps(config, trainer.regime.phase(update), size, found.covariance, found.squared_mean),
        "clipped": _clipped(gradients, config.method.clip_norm),
        "tensor_covariance": _by_tensor(gradients),
    }


def _named(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    if estimate is None:
        return {name: None, f"{name}_error": None}
    return {name: estimate.value, f"{name}_error": estimate.error}


def _steps(
    config: Config, phase: int, size: int, covariance: Estimate, squared_mean: Estimate
) -> dict[str, float | None]:
    """Compute for Δw under each rule: learning rate, ‖E Δw‖ (0 if hidden by noise), tr cov(Δw), its root."""
    found: dict[str, float | None] = {}
    for rule in RULES:
        lr = scaled_lr(config.workload.lr[phase], size, config.method.lr_base_batch, rule)
        found[f"lr_{rule}"] = lr
        found |= {
            f"step_mean_{rule}": lr * sqrt(max(0.0, squared_mean.value)),
            f"step_std_{rule}": lr * sqrt(max(0.0, covariance.value)),
            f"step_covariance_{rule}": lr**2 * covariance.value,
        }
    if _steps_along(config):
        return found
    return {name: None if name.startswith("step_") else value for name, value in found.items()}


def _steps_along(config: Config) -> bool:
    """Whether an update without momentum is a multiple of the gradient."""
    return config.workload.optimizer == "sgd"


def _clipped(gradients: Gradients, clip_norm: float | None) -> float:
    """Fraction of the gradients that the run would clip."""
    return 0.0 if clip_norm is None else float(np.mean(gradients.norms > clip_norm))


def _by_tensor(gradients: Gradients) -> list[float]:
    """Compute tr cov(ĝ) of each parameter tensor, rounded to 5 digits to keep records small."""
    products = gradients.products
    draws = products.shape[1]
    traces = np.einsum("tkk->t", products)
    found = (traces - products.sum(axis=(1, 2)) / draws) / (draws - 1)
    return [float(f"{value:.5g}") for value in found]
