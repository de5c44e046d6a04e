"""One run from beginning to end: open its directory, skip or resume it, build, fit, finish."""

import errno
import logging
import os
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from filelock import Timeout

from gengap.config.compose import as_dict, run_directory, run_name
from gengap.config.schema import Config
from gengap.data.device_images import to_device
from gengap.data.load import load
from gengap.data.splits import Splits, split
from gengap.errors import UserError, log_error
from gengap.launch.cpu_load import Neighbours, crowded
from gengap.launch.stop import Stop
from gengap.regime import Regime, build_regime
from gengap.runs import provenance
from gengap.runs.checkpoint import remove_checkpoints
from gengap.runs.log import run_log
from gengap.runs.store import FORMAT, LOCK, LOG, Run, read_record
from gengap.training.build import FEWER, build_trainer, memory_line
from gengap.training.device import prepare_device
from gengap.training.loop import DivergedError, fit
from gengap.training.progress import Progress
from gengap.training.trainer import Trainer

log = logging.getLogger(__name__)


def execute(config: Config, stop: Stop | None = None) -> str:
    """Bring one run to its end, from wherever it is, unless `stop` (by default the config's) ends it before.

    Returns:
        finished, diverged, or failed (after saying why, on the terminal and in the run's log); stopped, and
        saved; running if another process is at it.

    Raises:
        UserError: the run's directory can't be written to.
    """
    directory = run_directory(config)
    created = [p for p in (directory, *directory.parents) if not p.exists()]
    try:
        with Run(directory) as opened:
            status = opened.record.get("status")
            if status in ("finished", "diverged"):
                log.info("%s is %s already: skipped", directory, status)
                return str(status)
            return _logged(config, opened, stop or Stop(config.runtime.time_budget), created)
    except Timeout:
        log.info("%s is being trained by another process: left to it", directory)
        return "running"
    except OSError as error:
        place = error.filename or directory
        raise UserError(f"{place}: {error.strerror}; set results_dir=DIR to a folder to write to") from error


def _logged(config: Config, opened: Run, stop: Stop, created: Sequence[Path]) -> str:
    with run_log(opened.directory / LOG):
        try:
            return _train(config, opened, stop)
        except Exception as caught:
            error = _in_the_user_s_words(caught, opened.directory)
            log_error(error)
            if opened.record:  # otherwise it failed before there was anything to record
                with suppress(OSError):
                    opened.update_record(status="failed", error=f"{type(error).__name__}: {error}")
    if isinstance(error, UserError) and read_record(opened.directory) is None:
        _leave_nothing(opened.directory, created)
    return "failed"


def _in_the_user_s_words(error: Exception, directory: Path) -> Exception:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        place = error.filename or directory
        return UserError(f"{place}: {error.strerror}; make room, then the same command goes on")
    if isinstance(error, torch.OutOfMemoryError):
        return UserError(f"the GPU's memory does not hold an update: {FEWER}")
    return error


def _leave_nothing(directory: Path, created: Sequence[Path]) -> None:
    """Remove a run's directory that holds no record, and the folders that were made for it."""
    for name in (LOG, LOCK):
        (directory / name).unlink(missing_ok=True)
    for folder in created:
        with suppress(OSError):  # it holds other runs by now
            folder.rmdir()


def _train(config: Config, opened: Run, stop: Stop) -> str:
    neighbours = Neighbours()
    device = prepare_device(config.runtime)
    source = load(config.data.name, config.data.root, config.data.folder)
    splits = split(source, config.data, config.seed)
    regime = build_regime(config, len(splits.train))
    trainer = build_trainer(config, source, splits, regime, device)
    log.info("%s: %s", run_name(config), memory_line(trainer))
    if device.type == "cpu":
        _warn_of_neighbours(neighbours)
    validation = to_device(splits.validation, config, device, augment=False)
    _open_record(config, opened, splits, trainer)
    title, batch_size = run_name(config), config.method.batch_size
    try:
        with closing(trainer), stop, Progress(title, regime.updates, batch_size) as progress:
            reason = fit(opened, trainer, validation, progress, stop.reason)
    except DivergedError as error:
        opened.update_record(status="diverged", error=str(error), finished=_now())
        log.warning("%s diverged: %s", opened.directory, error)
        return "diverged"
    if reason:
        words = "%s: stopped (%s) after update %d of %d and saved; the same command continues it"
        log.info(words, opened.directory, reason, progress.done, regime.updates)
        return "stopped"
    _finish(config, opened, splits, trainer, regime)
    return "finished"


def _warn_of_neighbours(neighbours: Neighbours) -> None:
    line = crowded(neighbours.busy_cores(), torch.get_num_threads(), os.cpu_count() or 1)
    if line:
        log.info(line)


def _open_record(config: Config, opened: Run, splits: Splits, trainer: Trainer) -> None:
    regime, record = trainer.regime, opened.record
    origin = provenance.origin(trainer.flat.weights.device)
    before = {k: record[k] for k in origin} if record else origin
    opened.update_record(
        format=FORMAT,
        status="running",
        workload=config.workload.name,
        method=config.method.name,
        digest=run_name(config).rpartition("-")[2],
        seed=config.seed,
        config=_without_paths(as_dict(config)),
        **origin,
        # Where the first part of a run came from that was resumed by another version or on another machine
        earlier=record.get("earlier", []) + ([] if before == origin else [before]),
        data={"train": len(splits.train), "validation": len(splits.validation)},
        regime={
            "updates": regime.updates,
            "milestones": regime.milestones,
            "lr": regime.lr,
            "updates_per_epoch": float(regime.updates_per_epoch),
        },
        engine=str(trainer.engine),
        parameters=sum(trainer.flat.sizes),
        tensors=trainer.flat.names,
        started=record.get("started", _now()),
    )


def _without_paths(config: dict[str, Any]) -> dict[str, Any]:
    """Where this machine keeps its files is nobody else's business."""
    data = {k: v for k, v in config["data"].items() if k != "root"}
    return {k: v for k, v in config.items() if k != "results_dir"} | {"data": data}


def _finish(config: Config, opened: Run, splits: Splits, trainer: Trainer, regime: Regime) -> None:
    rows = opened.evaluations()
    train_images = to_device(splits.train, config, trainer.flat.weights.device, augment=False)
    _, train_error = trainer.evaluate(train_images)
    if config.runtime.keep_weights:
        torch.save(trainer.model.state_dict(), opened.directory / "weights.pt")
    opened.update_record(
        status="finished",
        finished=_now(),
        wall_seconds=rows[-1]["seconds"],
        summary={
            "updates": regime.updates,
            "samples_seen": trainer.stream.samples_seen(regime.updates),
            "last_val_accuracy": round(100 - rows[-1]["val_error"], 4),
            "best_val_accuracy": round(100 - min(row["val_error"] for row in rows), 4),
            "train_accuracy": round(100 - train_error, 4),
            "distance": rows[-1]["distance"],
        },
    )
    remove_checkpoints(opened.directory)
    log.info(
        "%s: finished, validation accuracy %.2f %%",
        opened.directory,
        opened.record["summary"]["last_val_accuracy"],
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
