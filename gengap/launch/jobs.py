"""Several runs, one by one or in parallel through a Hydra launcher, and a summary of their outcomes."""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from gengap.config.schema import Config
from gengap.config.sweep import Job
from gengap.data.load import TRAINING_IMAGES
from gengap.data.splits import training_samples
from gengap.errors import DONE, FAILED, MISTAKE, UNFINISHED
from gengap.launch.outcome import Outcome
from gengap.launch.place import Place
from gengap.launch.single import train_one
from gengap.launch.stop import Stop
from gengap.launch.summary import BAD, skipped_line, sum_up
from gengap.regime import check_updates
from gengap.runs.record import has_record

log = logging.getLogger(__name__)


def train_all(jobs: Sequence[Job], launcher: Sequence[str], started: float) -> int:
    """Train every run; return the exit code.

    Args:
        jobs: the runs.
        launcher: overrides of Hydra's launcher; if empty, runs are trained in this process, one by one.
        started: time.time() at the start of the command.

    Raises:
        UserError: a run's batch is larger than its data set.
    """
    for job in jobs:
        _check_size(job.config)
    budget = jobs[0].config.runtime.time_budget
    if launcher:
        from gengap.launch.launcher import launch_all  # imports Hydra's launchers

        outcomes, stop = launch_all(jobs, launcher, budget, started)
    else:
        stop = Stop(budget, started)
        outcomes = _one_by_one(jobs, stop)
    if len(jobs) > 1:
        sum_up(jobs, outcomes, stop.reason())
    elif outcomes == [Outcome.SKIPPED]:
        log.info("%s", skipped_line(jobs[0]))
    elif outcomes == [Outcome.NOT_STARTED]:
        log.info("gengap: not started (%s)", stop.reason())
    if stop.reason() and {Outcome.STOPPED, Outcome.NOT_STARTED} & set(outcomes):
        return stop.exit_code
    if set(BAD) & set(outcomes):
        return MISTAKE if all(map(_was_refused, jobs, outcomes)) else FAILED
    return UNFINISHED if Outcome.BUSY in outcomes else DONE


def _check_size(config: Config) -> None:
    """Check batch and epochs against the size of a shipped data set, which is known before it is read."""
    images = TRAINING_IMAGES.get(config.data.name)
    if images is not None:
        check_updates(config, training_samples(images, config.data))


def _was_refused(job: Job, outcome: Outcome) -> bool:
    """Whether a run ended with a user's mistake before it began: it leaves no folder."""
    try:
        return outcome == Outcome.FAILED and not job.directory.exists()
    except OSError:  # a folder above it that may not be looked into
        return True


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
    if has_record(directory):
        log.info("%s: stopped (%s) without saving; run the same command again to continue", directory, name)
    else:
        log.info("%s: stopped (%s) before the first update: nothing was trained", directory, name)
