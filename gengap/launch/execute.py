"""Execute one run from start to finish: open its directory, skip or resume it, build, train, summarize."""

import logging
import signal
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from filelock import Timeout
from numpy.typing import NDArray

from gengap.config.identity import run_directory
from gengap.config.schema import Config
from gengap.cores import usable_cores
from gengap.data.device_images import to_device
from gengap.data.load import load
from gengap.data.splits import split
from gengap.errors import UserError, log_error
from gengap.faults import MachineError
from gengap.launch.failure import RunFailedError, as_user_error, cant_open, failed, remove_empty
from gengap.launch.outcome import Outcome
from gengap.launch.place import ALONE, Place
from gengap.launch.precision import precision_advice
from gengap.launch.recording import BAD, compared, finish_record, now, open_record
from gengap.launch.stop import Stop
from gengap.launch.threads import thread_advice, threads_of
from gengap.regime import build_regime
from gengap.runs.claim import ClaimedError
from gengap.runs.log import run_log
from gengap.runs.provenance import hardware
from gengap.runs.record import LOG
from gengap.runs.schema import Status
from gengap.runs.store import Run
from gengap.training.bad_photographs import count_earlier, recording_bad
from gengap.training.build import build_trainer, memory_line
from gengap.training.device import prepare_device
from gengap.training.loop import DivergedError, Trained, fit
from gengap.training.progress import Progress
from gengap.training.ranks import Ranks
from gengap.training.tensorboard import TensorBoard
from gengap.training.trainer import Trainer

log = logging.getLogger(__name__)


def execute(config: Config, stop: Stop | None = None, place: Place = ALONE) -> Outcome:
    """Train one run to its end, resuming from its checkpoint if there is one.

    If the run fails, the reason is logged on the terminal and in its run.log.

    Args:
        config: configuration of the run.
        stop: ends training early; by default after config.runtime.time_budget and on signals.
        place: position of the run among those of the command.

    Raises:
        UnreadableError: the run's record is damaged or was written by a newer version.
    """
    stop = stop or Stop(config.runtime.time_budget)
    try:
        return attempt(config, stop, place)
    except RunFailedError as error:
        if error.everywhere:
            stop.give_up(error.everywhere)
        return error.outcome


def attempt(config: Config, stop: Stop | None = None, place: Place = ALONE) -> Outcome:
    """Like `execute`, but if the run fails or meets a fault, log that and raise RunFailedError."""
    directory = run_directory(config)
    created: list[Path] = []
    stop = stop or Stop(config.runtime.time_budget)
    try:
        created += [p for p in (directory, *directory.parents) if not p.exists()]
        with Run(directory) as run, stop.cleaning_up(partial(remove_empty, directory, created)):
            if run.record.get("status") in (Status.FINISHED, Status.DIVERGED):
                return Outcome.SKIPPED
            return _logged(run, partial(train, config, run, stop, place), created)
    except Timeout as held:
        by = held if isinstance(held, ClaimedError) else "another process"
        log.info("%s is being trained by %s: skipped", directory, by)
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
        except BrokenPipeError:  # the reader of the output is gone; as after Ctrl-C, the run has not failed
            raise
        except Exception as caught:
            error = as_user_error(caught, run.directory)
            log_error(error)
            # Without a record, the run hasn't begun. One that a fault or mistake kept from resuming can go on
            stays_running = isinstance(error, UserError if was_interrupted else MachineError)
            if run.record and not stays_running:
                with suppress(OSError):
                    run.update_record(status=Status.FAILED, error=f"{type(error).__name__}: {error}")
    if isinstance(error, UserError):
        remove_empty(run.directory, created)
    resumes = bool(run.record) and isinstance(error, MachineError)
    raise failed(error, run.directory, resumes=resumes) from error


def train(config: Config, run: Run, stop: Stop, place: Place) -> Outcome:
    """Train a run whose directory is open or, on other ranks, follow rank 0, which has opened it.

    An error on only one rank ends the exchange with the others, which are told about it.
    """
    ranks = place.ranks or Ranks()
    ranks.begin()
    try:
        with ranks.exchanging(DivergedError):
            trainer, trained, end = _trained(config, run, stop, place, ranks)
    except DivergedError as error:
        ended = run.metrics_digest()
        run.update_record(status=Status.DIVERGED, error=str(error), finished=now(), **ended)
        log.warning("%s diverged: %s", run.directory, error)
        return Outcome.DIVERGED
    if end is None:
        line = "%s: stopped (%s) after update %d of %d and saved; run the same command again to continue"
        log.info(line, run.directory, trained.stopped_by, trained.updates, trainer.regime.updates)
        return Outcome.STOPPED
    if ranks.is_first:
        finish_record(run, trainer, *end)
    return Outcome.FINISHED


def _trained(
    config: Config, run: Run, stop: Stop, place: Place, ranks: Ranks
) -> tuple[Trainer, Trained, tuple[float, NDArray[np.bool_]] | None]:
    """Train; return the trainer and, if the run reached its end, training error and misclassified images."""
    threads = ranks.first(lambda: threads_of(config.runtime, run.record, place.threads, ranks.size))
    local_rank = ranks.local if ranks.size > 1 else None
    device = ranks.together(partial(prepare_device, config.runtime, threads, local_rank))
    ranks.use(device)
    place_of_data = config.data.name, config.data.root, config.data.folder
    source = ranks.one_per_machine_first(partial(load, *place_of_data, packed=config.data.packed))
    splits = ranks.together(partial(split, source, config.data, config.seed))
    data_and_network = ranks.first(partial(compared, config, run, source, splits))
    regime, per_rank = build_regime(config, len(splits.train)), _per_rank(config, ranks)
    trainer = ranks.together(partial(build_trainer, per_rank, source, splits, regime, device, ranks))
    if place.opens_cell and ranks.is_first:
        log.info("%s: %s", run.name, memory_line(trainer))
        _advise(run, trainer, threads)
    validation = ranks.together(partial(to_device, splits.validation, per_rank, device, augment=False))
    earlier = data_and_network["data"].get(BAD, {})
    ranks.together(partial(count_earlier, earlier, trainer.train, validation))
    is_mirrored = config.runtime.tensorboard and ranks.is_first
    mirror = ranks.together(lambda: TensorBoard(run) if is_mirrored else None)
    title = f"{run.name} seed{config.seed}{place}"
    reason = stop.reason if ranks.size == 1 else partial(stop.agreed, ranks.largest)
    with recording_bad(run, trainer, validation):
        with closing(trainer), closing(validation), stop:
            run.record.pop("error", None)  # left by an earlier failed attempt
            ranks.first(partial(open_record, config, run, data_and_network, trainer))
            lost = partial(stop.record, signal.SIGPIPE)
            progress = Progress(title, regime.updates, regime.batches.samples, lost)
            with progress, mirror or nullcontext():
                trained = fit(run, trainer, validation, progress, reason, mirror)
        if trained.stopped_by:
            return trainer, trained, None
        with closing(trainer.train), closing(validation):
            train_error = trainer.evaluate(trainer.train).error
            return trainer, trained, (train_error, trainer.misclassified(validation))


def _per_rank(config: Config, ranks: Ranks) -> Config:
    """Set this rank's share of the image-decoding processes in the configuration."""
    if ranks.size == 1 or config.runtime.workers is not None:
        return config
    workers = max(1, usable_cores() // ranks.local_size)
    return replace(config, runtime=replace(config.runtime, workers=workers))


def _advise(run: Run, trainer: Trainer, threads: int | None) -> None:
    """Log what would train faster on this CPU, unless a resumed run has already said so."""
    device = trainer.flat.weights.device
    if device.type != "cpu":
        return
    continues = run.record.get("hardware") == hardware(device, trainer.ranks.size)
    line = None if continues else precision_advice(trainer)
    if line is None and threads is None and trainer.ranks.size == 1:
        line = thread_advice(trainer)
    if line:
        log.warning(line)
