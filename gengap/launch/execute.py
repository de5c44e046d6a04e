"""One run from start to finish: open its directory, skip or resume it, build, train, write the summary."""

import logging
from collections.abc import Sequence
from contextlib import closing, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from filelock import Timeout

from gengap.config.identity import as_dict, run_directory
from gengap.config.schema import Config
from gengap.data.device_images import to_device
from gengap.data.load import load
from gengap.data.splits import Splits, split
from gengap.errors import UserError, log_error
from gengap.launch.failure import RunFailedError, as_user_error, failed, remove_empty
from gengap.launch.outcome import Outcome
from gengap.launch.stop import Stop
from gengap.launch.threads import thread_advice, threads_of
from gengap.regime import build_regime
from gengap.runs import provenance
from gengap.runs.checkpoint import remove_checkpoints
from gengap.runs.log import run_log
from gengap.runs.record import FORMAT, LOG, WEIGHTS, Status, read_record
from gengap.runs.store import Run
from gengap.training.build import build_trainer, memory_line
from gengap.training.device import prepare_device
from gengap.training.loop import DivergedError, fit
from gengap.training.progress import Progress
from gengap.training.tensorboard import TensorBoard
from gengap.training.trainer import Trainer

log = logging.getLogger(__name__)


def execute(config: Config, stop: Stop | None = None, default_threads: int | None = None) -> Outcome:
    """Train one run to its end, from its checkpoint if there is one.

    Why a run failed is logged, on the terminal and in its run.log.

    Args:
        config: of the run.
        stop: ends training early; by default after config.runtime.time_budget and on signals.
        default_threads: CPU threads where neither config nor record says; torch's own number when None.

    Raises:
        UserError: the run's directory can't be written to.
        UnreadableError: its record is damaged, or of a newer version.
    """
    try:
        return attempt(config, stop, default_threads)
    except RunFailedError:
        return Outcome.FAILED


def attempt(config: Config, stop: Stop | None = None, default_threads: int | None = None) -> Outcome:
    """As `execute`, but a run that fails raises RunFailedError, after it has been logged and recorded."""
    directory = run_directory(config)
    created = [p for p in (directory, *directory.parents) if not p.exists()]
    try:
        with Run(directory) as run:
            status = run.record.get("status")
            if status in (Status.FINISHED, Status.DIVERGED):
                log.info("%s has %s: skipped", directory, status)
                return Outcome.SKIPPED
            threads = threads_of(config.runtime, run.record, default_threads)
            return _logged(config, run, stop or Stop(config.runtime.time_budget), threads, created)
    except Timeout:
        log.info("%s is being trained by another process: skipped", directory)
        return Outcome.BUSY
    except BrokenPipeError:
        raise
    except OSError as error:
        place = error.filename or directory
        raise UserError(
            f"can't write to {place} ({error.strerror}): set results_dir=DIR to a writable folder"
        ) from error


def _logged(config: Config, run: Run, stop: Stop, threads: int | None, created: Sequence[Path]) -> Outcome:
    with run_log(run.directory / LOG):
        try:
            return _train(config, run, stop, threads)
        except BrokenPipeError:  # the reader of the output is gone: as after Ctrl-C, the run is not failed
            raise
        except Exception as caught:
            error = as_user_error(caught, run.directory)
            log_error(error)
            if run.record:  # else it failed before its record was opened
                with suppress(OSError):
                    run.update_record(status=Status.FAILED, error=f"{type(error).__name__}: {error}")
    if isinstance(error, UserError) and read_record(run.directory) is None:
        remove_empty(run.directory, created)
    raise failed(error, run.directory) from error


def _train(config: Config, run: Run, stop: Stop, threads: int | None) -> Outcome:
    device = prepare_device(config.runtime, threads)
    source = load(config.data.name, config.data.root, config.data.folder)
    splits = split(source, config.data, config.seed)
    regime = build_regime(config, len(splits.train))
    trainer = build_trainer(config, source, splits, regime, device)
    log.info("%s: %s", run.name, memory_line(trainer))
    if threads is None and device.type == "cpu":
        _log_if_any(thread_advice(trainer))
    validation = to_device(splits.validation, config, device, augment=False)
    mirror = TensorBoard(run) if config.runtime.tensorboard else None
    _open_record(config, run, source.num_classes, splits, trainer)
    progress = Progress(run.name, regime.updates, config.method.batch_size)
    try:
        with closing(trainer), stop, progress, mirror or nullcontext():
            trained = fit(run, trainer, validation, progress, stop.reason, mirror)
    except DivergedError as error:
        run.update_record(status=Status.DIVERGED, error=str(error), finished=_now())
        log.warning("%s diverged: %s", run.directory, error)
        return Outcome.DIVERGED
    if trained.stopped_by:
        line = "%s: stopped (%s) after update %d of %d and saved; run the same command again to continue"
        log.info(line, run.directory, trained.stopped_by, trained.updates, regime.updates)
        return Outcome.STOPPED
    _finish(run, trainer)
    return Outcome.FINISHED


def _log_if_any(line: str | None) -> None:
    if line:
        log.info(line)


def _open_record(config: Config, run: Run, num_classes: int, splits: Splits, trainer: Trainer) -> None:
    regime, record = trainer.regime, run.record
    origin = provenance.origin(trainer.flat.weights.device)
    before = {k: record[k] for k in origin} if record else origin
    run.update_record(
        format=FORMAT,
        status=Status.RUNNING,
        workload=config.workload.name,
        method=config.method.name,
        digest=run.name.rpartition("-")[2],
        seed=config.seed,
        config=_published(as_dict(config)),
        **origin,
        # For a run resumed by another version or on another machine: the origins of its earlier parts
        earlier=record.get("earlier", []) + ([] if before == origin else [before]),
        data={
            "train": len(splits.train),
            "validation": len(splits.validation),
            "classes": int(num_classes),
        },
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


def _published(config: dict[str, Any]) -> dict[str, Any]:
    """Drop the paths of this machine, because records are published, and whether there is a mirror."""
    data = {k: v for k, v in config["data"].items() if k != "root"}
    runtime = {k: v for k, v in config["runtime"].items() if k != "tensorboard"}
    return {k: v for k, v in config.items() if k != "results_dir"} | {"data": data, "runtime": runtime}


def _finish(run: Run, trainer: Trainer) -> None:
    rows = run.evaluations()
    _, train_error = trainer.evaluate(trainer.train)
    if trainer.config.runtime.keep_weights:
        torch.save(trainer.model.state_dict(), run.directory / WEIGHTS)
    run.update_record(
        status=Status.FINISHED,
        finished=_now(),
        wall_seconds=rows[-1]["seconds"],
        summary={
            "updates": trainer.regime.updates,
            "samples_seen": trainer.stream.samples_seen(trainer.regime.updates),
            "last_val_accuracy": round(100 - rows[-1]["val_error"], 4),
            "best_val_accuracy": round(100 - min(row["val_error"] for row in rows), 4),
            "train_accuracy": round(100 - train_error, 4),
            "distance": rows[-1]["distance"],
        },
    )
    remove_checkpoints(run.directory)
    accuracy = run.record["summary"]["last_val_accuracy"]
    log.info("%s: finished, validation accuracy %.2f%%", run.directory, accuracy)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
