"""One run from start to finish: open its directory, skip or resume it, build, train, write the summary."""

import logging
import signal
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext, suppress
from functools import partial
from pathlib import Path

from filelock import Timeout

from gengap.config.identity import run_directory
from gengap.config.schema import Config
from gengap.data.device_images import to_device
from gengap.data.load import load
from gengap.data.splits import split
from gengap.errors import UserError, log_error
from gengap.faults import MachineError
from gengap.launch.failure import RunFailedError, as_user_error, cant_open, failed, remove_empty
from gengap.launch.outcome import Outcome
from gengap.launch.place import ALONE, Place
from gengap.launch.precision import precision_advice
from gengap.launch.recording import data_of, finish_record, network_of, now, open_record
from gengap.launch.stop import Stop
from gengap.launch.threads import thread_advice, threads_of
from gengap.regime import build_regime
from gengap.runs.log import run_log
from gengap.runs.provenance import hardware
from gengap.runs.record import LOG
from gengap.runs.schema import Status
from gengap.runs.store import Run
from gengap.training.bad_photographs import recording_bad
from gengap.training.build import build_trainer, memory_line
from gengap.training.device import prepare_device
from gengap.training.loop import DivergedError, fit
from gengap.training.progress import Progress
from gengap.training.tensorboard import TensorBoard
from gengap.training.trainer import Trainer

log = logging.getLogger(__name__)


def execute(config: Config, stop: Stop | None = None, place: Place = ALONE) -> Outcome:
    """Train one run to its end, from its checkpoint if there is one.

    Why a run failed is logged, on the terminal and in its run.log.

    Args:
        config: of the run.
        stop: ends training early; by default after config.runtime.time_budget and on signals.
        place: among the runs of the command.

    Raises:
        UnreadableError: its record is damaged, or of a newer version.
    """
    stop = stop or Stop(config.runtime.time_budget)
    try:
        return attempt(config, stop, place)
    except RunFailedError as error:
        if error.everywhere:
            stop.give_up(error.everywhere)
        return error.outcome


def attempt(config: Config, stop: Stop | None = None, place: Place = ALONE) -> Outcome:
    """As `execute`, but a run that fails or meets a fault raises RunFailedError, after it has been logged."""
    directory = run_directory(config)
    created: list[Path] = []
    stop = stop or Stop(config.runtime.time_budget)
    try:
        created += [p for p in (directory, *directory.parents) if not p.exists()]
        with Run(directory) as run, stop.cleaning_up(partial(remove_empty, directory, created)):
            if run.record.get("status") in (Status.FINISHED, Status.DIVERGED):
                return Outcome.SKIPPED
            return _logged(run, partial(_train, config, run, stop, place), created)
    except Timeout:
        log.info("%s is being trained by another process: skipped", directory)
        return Outcome.BUSY
    except BrokenPipeError:
        raise
    except OSError as error:
        remove_empty(directory, created)
        found = cant_open(error, directory)
        log_error(found)
        raise failed(found, directory) from error


def _logged(run: Run, train: Callable[[], Outcome], created: Sequence[Path]) -> Outcome:
    was_interrupted = run.record.get("status") == Status.RUNNING
    with run_log(run.directory / LOG):
        try:
            return train()
        except BrokenPipeError:  # the reader of the output is gone: as after Ctrl-C, the run is not failed
            raise
        except Exception as caught:
            error = as_user_error(caught, run.directory)
            log_error(error)
            # Without a record it has not begun; what a fault or a mistake keeps from continuing goes on
            goes_on = isinstance(error, MachineError) or (was_interrupted and isinstance(error, UserError))
            if run.record and not goes_on:
                with suppress(OSError):
                    run.update_record(status=Status.FAILED, error=f"{type(error).__name__}: {error}")
    if isinstance(error, UserError):
        remove_empty(run.directory, created)
    goes_on = bool(run.record) and isinstance(error, MachineError)
    raise failed(error, run.directory, goes_on=goes_on) from error


def _train(config: Config, run: Run, stop: Stop, place: Place) -> Outcome:
    threads = threads_of(config.runtime, run.record, place.threads)
    device = prepare_device(config.runtime, threads)
    source = load(config.data.name, config.data.root, config.data.folder, packed=config.data.packed)
    splits = split(source, config.data, config.seed)
    data, network = data_of(run, source, splits), network_of(run, config)
    regime = build_regime(config, len(splits.train))
    trainer = build_trainer(config, source, splits, regime, device)
    if place.opens_cell:
        log.info("%s: %s", run.name, memory_line(trainer))
        _advise(run, trainer, threads)
    validation = to_device(splits.validation, config, device, augment=False)
    mirror = TensorBoard(run) if config.runtime.tensorboard else None
    title = f"{run.name} seed{config.seed}{place}"
    try:
        with closing(trainer), closing(validation), stop:
            run.record.pop("error", None)  # of an attempt that failed
            open_record(config, run, data, network, trainer)
            lost = partial(stop.record, signal.SIGPIPE)
            progress = Progress(title, regime.updates, regime.batches.samples, lost)
            with progress, mirror or nullcontext(), recording_bad(run, trainer.train, validation):
                trained = fit(run, trainer, validation, progress, stop.reason, mirror)
    except DivergedError as error:
        run.update_record(status=Status.DIVERGED, error=str(error), finished=now())
        log.warning("%s diverged: %s", run.directory, error)
        return Outcome.DIVERGED
    if trained.stopped_by:
        line = "%s: stopped (%s) after update %d of %d and saved; run the same command again to continue"
        log.info(line, run.directory, trained.stopped_by, trained.updates, regime.updates)
        return Outcome.STOPPED
    with recording_bad(run, trainer.train, validation):
        finish_record(run, trainer)
    return Outcome.FINISHED


def _advise(run: Run, trainer: Trainer, threads: int | None) -> None:
    """Log what would train faster on this CPU, unless the run continues and has said so already."""
    device = trainer.flat.weights.device
    if device.type != "cpu":
        return
    continues = run.record.get("hardware") == hardware(device)
    line = None if continues else precision_advice(trainer)
    if line is None and threads is None:
        line = thread_advice(trainer)
    if line:
        log.warning(line)
