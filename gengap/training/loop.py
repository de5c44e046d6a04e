"""The training loop: updates, evaluations, checkpoints. Its only clock is the update."""

import logging
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from gengap.data.device_images import DeviceImages
from gengap.runs.checkpoint import load_checkpoint, misfit, save_checkpoint
from gengap.runs.store import Run
from gengap.training.clock import Clock
from gengap.training.distance import distance, recorded_updates, tensor_distances
from gengap.training.progress import Progress
from gengap.training.trainer import Trainer

log = logging.getLogger(__name__)


class DivergedError(Exception):
    """The loss is no longer finite."""


@dataclass
class Marks:
    """What the next row's means start from, as (updates, running sums)."""

    row: tuple[int, list[float]] = (0, [0.0] * 4)
    evaluation: tuple[int, list[float]] = (0, [0.0] * 4)


def fit(
    run: Run,
    trainer: Trainer,
    validation: DeviceImages,
    progress: Progress,
    stop_reason: Callable[[], str | None],
) -> str | None:
    """Train from the run's checkpoint, or from the start, to the end of the regime.

    Returns:
        None when the regime is complete, otherwise the reason to stop; the run is then saved.

    Raises:
        DivergedError: the loss is not finite.
    """
    regime = trainer.regime
    evaluations, recorded = set(regime.evaluations), set(recorded_updates(regime.updates))
    done, clock, marks = _restore(run, trainer)
    if done:
        log.info("%s: goes on after update %d of %d", run.directory, done, regime.updates)
    progress.start(done)
    saved = clock.seconds
    for update in range(done, regime.updates):
        trainer.update(update)
        done = update + 1
        progress.advance(done)
        if done in evaluations or done in recorded:
            trainer.wait()
            with clock.measured():
                row = _row(trainer, validation, marks, done, done in evaluations, done in recorded)
                run.append_metrics(row | {"seconds": round(clock.seconds, 3)})
            progress.show(row)
            _check_finite(row)
        reason = stop_reason()
        if reason or clock.seconds - saved > trainer.config.runtime.checkpoint_seconds:
            trainer.wait()
            saved = clock.seconds
            _save(run, trainer, marks, done, clock)
        if reason:
            return reason
    _save(run, trainer, marks, done, clock)
    run.update_record(measuring_seconds=round(clock.measuring, 3))
    return None


def _row(
    trainer: Trainer,
    validation: DeviceImages,
    marks: Marks,
    done: int,
    is_evaluation: bool,
    is_recorded: bool,
) -> dict[str, Any]:
    """One line of metrics: gradient means since the last row, training means since the last evaluation."""
    regime, totals = trainer.regime, trainer.totals.tolist()
    _, _, gradient_norm, clipped = _means(marks.row, done, totals)
    row: dict[str, Any] = {
        "update": done,
        "epoch": _digits(float(done / regime.updates_per_epoch)),
        "lr": _digits(regime.lr_at(done - 1)),
        "distance": _digits(distance(trainer.flat.weights, trainer.initial)),
        "gradient_norm": _digits(gradient_norm),
        "clipped": _digits(clipped),
    }
    marks.row = (done, totals)
    if is_recorded:
        distances = tensor_distances(trainer.flat.weights, trainer.initial, trainer.flat.sizes)
        row["tensor_distances"] = [_digits(d, 5) for d in distances]
    if is_evaluation:
        train_loss, train_error, *_ = _means(marks.evaluation, done, totals)
        val_loss, val_error = trainer.evaluate(validation)
        row |= {
            "train_loss": _digits(train_loss),
            "train_error": _digits(100 * train_error),
            "val_loss": _digits(val_loss),
            "val_error": _digits(val_error),
        }
        marks.evaluation = (done, totals)
    return row


def _means(since: tuple[int, list[float]], done: int, totals: list[float]) -> list[float]:
    before, sums = since
    return [(now - then) / (done - before) for now, then in zip(totals, sums, strict=True)]


def _digits(value: float, significant: int = 6) -> float | None:
    """Shortened, so that the records stay small; None where JSON has no number for it."""
    return float(f"{value:.{significant}g}") if math.isfinite(value) else None


def _check_finite(row: dict[str, Any]) -> None:
    # A non-finite loss makes the weights, and with them the distance, non-finite at the same update
    if None in (row["distance"], row["gradient_norm"], row.get("train_loss", 0.0)):
        raise DivergedError(f"the loss is not finite after {row['update']} updates (lr {row['lr']})")


def _save(run: Run, trainer: Trainer, marks: Marks, done: int, clock: Clock) -> None:
    with clock.measured():
        times = {"seconds": clock.seconds, "measuring": clock.measuring}
        state = trainer.state() | {"marks": asdict(marks), "done": done} | times
        save_checkpoint(run.directory, state | {"metrics_bytes": run.sync_metrics()})


def _restore(run: Run, trainer: Trainer) -> tuple[int, Clock, Marks]:
    """Continue from the newest whole checkpoint, dropping later metrics; updates done, clock and marks."""
    state = load_checkpoint(run.directory)
    if state is None:
        run.truncate_metrics(0)
        return 0, Clock(), Marks()
    try:
        trainer.load_state(state)
        clock = Clock(state["seconds"], state.get("measuring", 0.0))
        restored = state["done"], clock, Marks(**state["marks"])
        run.truncate_metrics(state["metrics_bytes"])
    except (RuntimeError, KeyError, TypeError) as error:
        raise misfit(run.directory, error) from error
    return restored
