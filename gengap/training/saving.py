"""Save the checkpoint of a run in training, and resume from it."""

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from gengap.data.device_images import DeviceImages
from gengap.runs.checkpoint import mismatch, save_checkpoint
from gengap.runs.record import name_of
from gengap.runs.store import Run
from gengap.training.bad_photographs import record_bad
from gengap.training.clock import Clock
from gengap.training.trainer import Trainer


@dataclass
class Baselines:
    """Starting points for the means in the next row, as (updates done, Trainer.totals at that point)."""

    row: tuple[int, list[float]] = (0, [0.0] * 4)  # gradient means start at the last row
    evaluation: tuple[int, list[float]] = (0, [0.0] * 4)  # training means start at the last evaluation


def save(
    run: Run, trainer: Trainer, validation: DeviceImages, baselines: Baselines, done: int, clock: Clock
) -> None:
    """Write a checkpoint after `done` updates, with the run, data, network and metrics it belongs to."""
    if not trainer.ranks.is_first:
        return
    with clock.measured():
        record_bad(run, trainer.train, validation)
        times = {"seconds": clock.seconds, "measuring": clock.measuring}
        # "marks" is the key used in existing checkpoints
        state = trainer.state_dict() | {"marks": asdict(baselines), "done": done} | times
        of = {key: run.record[key] for key in ("data", "network") if key in run.record}
        save_checkpoint(run.directory, state | {"run": name_of(run.directory)} | of | run.sync_metrics())


def restore(run: Run, trainer: Trainer) -> tuple[int, Clock, Baselines]:
    """Start all ranks from rank 0's checkpoint, or from its initial weights.

    Returns the number of updates done, the clock and the baselines.

    Raises:
        UserError: the checkpoint belongs to another network or version.
    """
    done, seconds, measuring, baselines = trainer.ranks.first(partial(_load, run, trainer))
    trainer.ranks.copy_from_first_(trainer.changed_by_step())
    return done, Clock(seconds, measuring), baselines


def _load(run: Run, trainer: Trainer) -> tuple[int, float, float, Baselines]:
    """Load the run's checkpoint and drop later metrics; return its update count, both times and baselines."""
    state, run.checkpoint = run.checkpoint, None  # drop the reference, since it may be large
    if state is None:
        run.truncate_metrics(0)
        return 0, 0.0, 0.0, Baselines()
    try:
        restored = _plain(state, trainer.regime.updates)
        trainer.load_state_dict(state)
        run.truncate_metrics(state["metrics_bytes"])
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        raise mismatch(run.directory, error) from error
    return restored


def _plain(state: dict[str, Any], updates: int) -> tuple[int, float, float, Baselines]:
    done, baselines = state["done"], Baselines(**state["marks"])
    if not max(baselines.row[0], baselines.evaluation[0]) <= done <= updates:
        raise ValueError(f"it is at update {done} of {updates}")
    return done, state["seconds"], state.get("measuring", 0.0), baselines
