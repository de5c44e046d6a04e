"""Several runs, one by one or in parallel through a Hydra launcher, and a summary of their outcomes."""

import logging
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import HydraContext
from omegaconf import DictConfig

from gengap.config.compose import to_config
from gengap.config.conf import compose_multirun, config_loader
from gengap.config.overrides import hydra_words
from gengap.config.schema import Config
from gengap.config.sweep import Job
from gengap.data.load import TRAINING_IMAGES
from gengap.data.splits import training_samples
from gengap.errors import DONE, FAILED, MISTAKE, UNFINISHED, UnreadableError, UserError, log_error
from gengap.launch.outcome import Outcome
from gengap.launch.place import Place
from gengap.launch.stop import Stop
from gengap.launch.summary import skipped_line, sum_up
from gengap.regime import check_updates
from gengap.runs import Status
from gengap.runs.record import RECORD, own_record, read_run
from gengap.terminal import guard_output, log_to_terminal

log = logging.getLogger(__name__)


def train_all(jobs: Sequence[Job], launcher: Sequence[str], started: float) -> int:
    """Train every run; return the exit code.

    Args:
        jobs: the runs.
        launcher: overrides of Hydra's launcher; if empty, runs are trained in this process, one by one.
        started: time.time() at the start of the command.

    Raises:
        UserError: a run's batch is larger than its data set, its directory can't be written to, or an unknown
            launcher or launcher setting.
    """
    for job in jobs:
        _check_size(job.config)
    budget = jobs[0].config.runtime.time_budget
    if launcher:
        with tempfile.TemporaryDirectory(prefix="gengap-") as folder:
            stop = Stop(budget, started, flag=Path(folder) / "stop")
            outcomes = _launch(jobs, launcher, stop, started)
    else:
        stop = Stop(budget, started)
        outcomes = _one_by_one(jobs, stop)
    if len(jobs) > 1:
        sum_up(jobs, outcomes, stop.reason())
    elif outcomes == [Outcome.SKIPPED]:
        log.info("%s", skipped_line(jobs[0].directory))
    elif outcomes == [Outcome.NOT_STARTED]:
        log.info("gengap: not started (%s)", stop.reason())
    if stop.reason() and {Outcome.STOPPED, Outcome.NOT_STARTED} & set(outcomes):
        return stop.exit_code
    if Outcome.FAILED in outcomes:
        return MISTAKE if all(map(_was_refused, jobs, outcomes)) else FAILED
    return UNFINISHED if Outcome.BUSY in outcomes else DONE


def _check_size(config: Config) -> None:
    """Check batch and epochs against the size of a shipped data set, which is known before it is read."""
    images = TRAINING_IMAGES.get(config.data.name)
    if images is not None:
        check_updates(config, training_samples(images, config.data))


def _was_refused(job: Job, outcome: Outcome) -> bool:
    """Whether a run ended with a user's mistake before it began: it leaves no folder."""
    return outcome == Outcome.FAILED and not job.directory.exists()


def _one_by_one(jobs: Sequence[Job], stop: Stop) -> list[Outcome]:
    cells: set[str] = set()
    outcomes = []
    for number, job in enumerate(jobs, 1):
        place = Place(number, len(jobs), job.name not in cells)
        with stop.before_exit(partial(_say_stopped, job.directory)):
            outcomes.append(train_one(job, stop, place))
        if outcomes[-1] != Outcome.SKIPPED:
            cells.add(job.name)
    return outcomes


def _say_stopped(directory: Path, name: str) -> None:
    if (directory / RECORD).exists():
        log.info("%s: stopped (%s) without saving; run the same command again to continue", directory, name)
    else:
        log.info("%s: stopped (%s) before the first update: nothing was trained", directory, name)


def train_one(job: Job, stop: Stop, place: Place) -> Outcome:
    """Train one run, unless it is done or `stop` already has a reason to stop; arguments as in execute.

    Raises:
        UserError: the run's directory can't be written to.
    """
    if stop.reason():
        return Outcome.NOT_STARTED
    try:
        record = own_record(job.directory)
        if record and record["status"] in (Status.FINISHED, Status.DIVERGED):
            read_run(job.directory)  # raises where its metrics are damaged
            return Outcome.SKIPPED
        from gengap.launch.execute import execute  # imports torch, seconds that skipping does without

        return execute(job.config, stop, place)
    except UnreadableError as error:
        log_error(error)
        return Outcome.FAILED


def _launch(jobs: Sequence[Job], launcher: Sequence[str], stop: Stop, started: float) -> list[Outcome]:
    loader = config_loader()
    _check_launcher(launcher, loader.get_group_options("hydra/launcher"))
    try:
        master = compose_multirun(launcher)
    except HydraException as error:
        raise UserError(f"unknown launcher setting in {' '.join(launcher)}: correct or remove it") from error
    plugin = Plugins.instance().instantiate_launcher(
        hydra_context=HydraContext(loader, Callback()),  # type: ignore[arg-type]  # the public no-op of its kind
        task_function=partial(launched, os.getpid(), started, stop.flag),
        config=master,
    )
    with stop:
        returned = plugin.launch([hydra_words(job.words) for job in jobs], initial_job_idx=0)
    return [Outcome(one.return_value) for one in returned]


def _check_launcher(words: Sequence[str], known: Sequence[str]) -> None:
    for name in (w.removeprefix("hydra/launcher=") for w in words if w.startswith("hydra/launcher=")):
        if name not in known:
            raise UserError(
                f"unknown launcher {name!r}: installed are {', '.join(known)} "
                "(pip install 'gengap[joblib]' adds joblib)"
            )


def launched(command: int, started: float, flag: Path | None, cfg: DictConfig) -> Outcome:
    """Train one run in a process started by a launcher; with one CPU thread unless runtime.threads is set.

    Only the process that launched it reacts to Ctrl-C; it stops the others through the flag file.

    Args:
        command: process ID of the launching process.
        started: time.time() at the start of the command.
        flag: the flag file of launch.stop.Stop.
        cfg: the run's configuration, as composed by Hydra.
    """
    guard_output()
    log_to_terminal()
    if "" not in sys.path:
        sys.path.insert(0, "")
    if os.getpid() != command:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    config = to_config(cfg)
    try:
        stop = Stop(config.runtime.time_budget, started, flag)
        return train_one(Job((), config), stop, Place(threads=1))
    except UserError as error:
        log_error(error)
        return Outcome.FAILED
