"""The training loop: updates, evaluations, checkpoints. Its only clock is the update."""

import logging
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from gengap.data.device_images import DeviceImages
from gengap.faults import MachineError
from gengap.runs.checkpoint import load_checkpoint, mismatch, save_checkpoint
from gengap.runs.record import name_of
from gengap.runs.store import Run
from gengap.training.bad_photographs import record_bad
from gengap.training.clock import Clock
from gengap.training.distance import distance, recorded_updates, tensor_distances
from gengap.training.progress import Progress
from gengap.training.tensorboard import TensorBoard
from gengap.training.trainer import Trainer

log = logging.getLogger(__name__)


class DivergedError(Exception):
    """The loss or the gradient is no longer finite."""


@dataclass
class Baselines:
    """Where the means of the next row start, as (updates done, Trainer.totals at that point)."""

    row: tuple[int, list[float]] = (0, [0.0] * 4)  # for gradient means: the last row
    evaluation: tuple[int, list[float]] = (0, [0.0] * 4)  # for training means: the last evaluation


@dataclass(frozen=True)
class Trained:
    """The result of `fit`: updates done since the run began, and why training stopped early, if it did."""

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
        run: inside its `with` block, so that its directory is locked.
        trainer: before its first update.
        validation: evaluated after the updates of regime.evaluations.
        progress: gets every update and evaluation.
        stop_reason: called after every update; if it returns a reason, the run is saved and training stops.
        mirror: gets every line of metrics.jsonl.

    Raises:
        DivergedError: the loss or the gradient is not finite.
        UserError: there are checkpoints, and none is usable, or it is another run's, network's or version's.
    """
    regime = trainer.regime
    evaluations, recorded = set(regime.evaluations), set(recorded_updates(regime.updates))
    done, clock, baselines = _restore(run, trainer)
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
        except MachineError:  # there is no batch, and nothing has changed yet
            _save(run, trainer, validation, baselines, done, clock)
            raise
        done = update + 1
        progress.advance(done)
        if done in evaluations or done in recorded:
            trainer.wait()
            with clock.measured():  # on every rank, which meet in the evaluation and in what is not finite
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
            _save(run, trainer, validation, baselines, done, clock)
        if reason:
            return Trained(done, reason)
    _save(run, trainer, validation, baselines, done, clock)
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
    """One line of metrics: gradient means since the last row, training means since the last evaluation."""
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
    """Round to significant digits, to keep records small; None for nan and inf, which JSON lacks."""
    return float(f"{value:.{significant}g}") if math.isfinite(value) else None


def _check_finite(row: dict[str, Any]) -> None:
    # A non-finite loss makes the weights, and so the distance, non-finite at the same update
    if None in (row["distance"], row["gradient_norm"], row.get("train_loss", 0.0)):
        raise DivergedError(f"the loss is not finite after {row['update']} updates (lr {row['lr']})")


def _save(
    run: Run, trainer: Trainer, validation: DeviceImages, baselines: Baselines, done: int, clock: Clock
) -> None:
    if not trainer.ranks.is_first:
        return
    with clock.measured():
        record_bad(run, trainer.train, validation)
        times = {"seconds": clock.seconds, "measuring": clock.measuring}
        # "marks" is the key in existing checkpoints
        state = trainer.state_dict() | {"marks": asdict(baselines), "done": done} | times
        save_checkpoint(run.directory, state | {"run": name_of(run.directory)} | run.sync_metrics())


def _restore(run: Run, trainer: Trainer) -> tuple[int, Clock, Baselines]:
    """Start all ranks from rank 0's checkpoint, or from its initial weights.

    Returns updates done, clock and baselines.
    """
    done, seconds, measuring, baselines = trainer.ranks.first(partial(_load, run, trainer))
    trainer.ranks.copy_from_first_(trainer.changed_by_step())
    return done, Clock(seconds, measuring), baselines


def _load(run: Run, trainer: Trainer) -> tuple[int, float, float, Baselines]:
    """Load the newest usable checkpoint, drop later metrics; its updates, both times and baselines."""
    state = load_checkpoint(run.directory)
    if state is None:
        run.truncate_metrics(0)
        return 0, 0.0, 0.0, Baselines()
    try:
        trainer.load_state_dict(state)
        times = state["seconds"], state.get("measuring", 0.0)
        restored = state["done"], *times, Baselines(**state["marks"])
        run.truncate_metrics(state["metrics_bytes"])
    except (RuntimeError, KeyError, TypeError) as error:
        raise mismatch(run.directory, error) from error
    return restored
