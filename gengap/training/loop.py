"""The training loop: updates, evaluations, checkpoints. Progress is counted in updates only."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gengap.data.device_images import DeviceImages
from gengap.faults import MachineError
from gengap.runs.store import Run
from gengap.training.distance import distance, recorded_updates, tensor_distances
from gengap.training.progress import Progress
from gengap.training.saving import Baselines, restore, save
from gengap.training.tensorboard import TensorBoard
from gengap.training.trainer import Trainer

log = logging.getLogger(__name__)


class DivergedError(Exception):
    """The loss or the gradient is no longer finite."""


@dataclass(frozen=True)
class Trained:
    """Result of `fit`: number of updates since the run began, and why training stopped early, if it did."""

    updates: int
    stopped_by: str | None = None


def fit(
    run: Run,
    trainer: Trainer,
    validation: DeviceImages,
    progress: Progress,
    stop_reason: Callable[[], str | None],
    mirror: TensorBoard | None = None,
) -> Trained:
    """Train from the run's checkpoint, or from the start, to the end of the regime.

    Args:
        run: run inside its `with` block, so that its directory is locked, with the checkpoint to resume from.
        trainer: trainer that has made no updates yet.
        validation: validation set, evaluated after the updates listed in regime.evaluations.
        progress: receives every update and evaluation.
        stop_reason: called after every update; if it returns a reason, the run is saved and training stops.
        mirror: receives every line of metrics.jsonl.

    Raises:
        DivergedError: the loss or the gradient is not finite.
        UserError: the checkpoint belongs to another network or version.
    """
    regime = trainer.regime
    evaluations, recorded = set(regime.evaluations), set(recorded_updates(regime.updates))
    done, clock, baselines = restore(run, trainer)
    if done:
        log.info("%s: resuming after update %d of %d", run.directory, done, regime.updates)
    if trainer.engine.compiled:
        log.info("%s: compiling, once", run.name)
    if mirror:
        mirror.start()
    progress.start(done)
    saved = clock.seconds
    for update in range(done, regime.updates):
        try:
            trainer.train_step(update)
        except MachineError:  # no batch, or a lost rank: the state is still that before the update
            save(run, trainer, validation, baselines, done, clock)
            raise
        done = update + 1
        progress.advance(done)
        if done in evaluations or done in recorded:
            trainer.wait()
            with clock.measured():  # all ranks take part in the evaluation and in the check for divergence
                row = _row(trainer, validation, baselines, done, done in evaluations, done in recorded)
                row["seconds"] = round(clock.seconds, 3)
                run.append_metrics(row)
                if mirror:
                    mirror.add(row)
            progress.show(row)
            _check_finite(row)
        reason = stop_reason()
        if reason or clock.seconds - saved > trainer.config.runtime.checkpoint_seconds:
            trainer.wait()
            saved = clock.seconds
            save(run, trainer, validation, baselines, done, clock)
        if reason:
            return Trained(done, reason)
    save(run, trainer, validation, baselines, done, clock)
    run.update_record(measuring_seconds=round(clock.measuring, 3))
    return Trained(done)


def _row(
    trainer: Trainer,
    validation: DeviceImages,
    baselines: Baselines,
    done: int,
    is_evaluation: bool,
    is_recorded: bool,
) -> dict[str, Any]:
    """Build a row of metrics: gradient means since the last row, training means since last evaluation."""
    regime, totals = trainer.regime, trainer.totals.tolist()
    _, _, gradient_norm, clipped = _means(baselines.row, done, totals)
    row: dict[str, Any] = {
        "update": done,
        "epoch": _digits(float(regime.batches.epochs(done))),
        "lr": _digits(regime.lr_at(done - 1)),
        "distance": _digits(distance(trainer.flat.weights, trainer.initial)),
        "gradient_norm": _digits(gradient_norm),
        "clipped": _digits(clipped),
    }
    baselines.row = (done, totals)
    if is_recorded:
        distances = tensor_distances(trainer.flat.weights, trainer.initial, trainer.flat.sizes)
        row["tensor_distances"] = [_digits(d, 5) for d in distances]
    if is_evaluation:
        train_loss, train_error, *_ = _means(baselines.evaluation, done, totals)
        found = trainer.evaluate(validation)
        row |= {
            "train_loss": _digits(train_loss),
            "train_error": _digits(100 * train_error),
            "val_loss": _digits(found.loss),
            "val_error": _digits(found.error),
        }
        if found.top5_error is not None:
            row["val_top5_error"] = _digits(found.top5_error)
        baselines.evaluation = (done, totals)
    return row


def _means(since: tuple[int, list[float]], done: int, totals: list[float]) -> list[float]:
    before, sums = since
    return [(now - then) / (done - before) for now, then in zip(totals, sums, strict=True)]


def _digits(value: float, significant: int = 6) -> float | None:
    """Round to significant digits to keep records small; None for nan and inf, which JSON lacks."""
    return float(f"{value:.{significant}g}") if math.isfinite(value) else None


def _check_finite(row: dict[str, Any]) -> None:
    # A non-finite loss makes the weights, and thus the distance, non-finite in the same update
    if None in (row["distance"], row["gradient_norm"], row.get("train_loss", 0.0)):
        raise DivergedError(f"the loss is not finite after {row['update']} updates (lr {row['lr']})")
