"""Train several runs, one by one or in parallel through a Hydra launcher, and summarize their outcomes."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gengap.config.schema import Config
from gengap.config.sweep import Job
from gengap.data.load import TRAINING_IMAGES
from gengap.data.splits import training_samples
from gengap.errors import DONE, FAILED, MISTAKE, UNFINISHED, UserError
from gengap.launch.outcome import Outcome
from gengap.launch.place import Place
from gengap.launch.single import train_one
from gengap.launch.stop import Stop
from gengap.launch.summary import BAD, skipped_line, sum_up
from gengap.launch.time_left import NO_RECORD, cells_left, lines
from gengap.regime import check_updates
from gengap.runs.record import NEWEST, PREVIOUS, has_record
from gengap.runs.state import run_state

if TYPE_CHECKING:
    from gengap.launch.connection import Connection

log = logging.getLogger(__name__)


def train_all(
    jobs: Sequence[Job],
    launcher: Sequence[str],
    started: float,
    connection: "Connection | None" = None,
    cost: float | None = None,
) -> int:
    """Train every run; return the exit code.

    Args:
        jobs: runs to train.
        launcher: overrides that select Hydra's launcher; if empty, runs are trained here, one by one.
        started: time.time() at the start of the command.
        connection: connection to the other ranks, if several ranks train every run together.
        cost: cost of one device for one hour, for the estimate at the start.

    Raises:
        UserError: a run's batch is larger than its data set; on several ranks, also if a launcher is given or
            the ranks can't share a batch evenly.
    """
    for job in jobs:
        _check_size(job.config)
    if len(jobs) > 1 or cost is not None:
        how = f"{NO_RECORD}; to measure, type gengap status with the same words and --estimate"
        for line in lines(cells_left(jobs), how, cost):
            log.info("gengap: %s", line)
    budget = jobs[0].config.runtime.time_budget
    if launcher and connection:
        raise UserError(
            f"{launcher[0]} starts processes of its own, but {connection.world.size} ranks train every run "
            "together, one after another: leave it out, or leave out torchrun or srun"
        )
    if launcher:
        from gengap.launch.launcher import launch_all  # imports Hydra's launchers

        outcomes, stop = launch_all(jobs, launcher, budget, started)
    elif connection:
        stop = Stop(budget, started, patient=True)
        outcomes = _by_all_ranks(jobs, stop, connection)
    else:
        stop = Stop(budget, started)
        outcomes = _one_by_one(jobs, stop, train_one, Place())
    outcomes = list(map(_looked_at_again, jobs, outcomes))
    if len(jobs) > 1:
        sum_up(jobs, outcomes, stop.reason())
    elif outcomes == [Outcome.SKIPPED]:
        log.info("%s", skipped_line(jobs[0]))
    elif outcomes == [Outcome.NOT_STARTED]:
        log.info("gengap: not started (%s)", stop.reason())
    if Outcome.STOPPED in outcomes and not stop.reason():
        return UNFINISHED  # stopped by a signal on another machine, which isn't seen here
    if stop.reason() and {Outcome.STOPPED, Outcome.NOT_STARTED} & set(outcomes):
        return stop.exit_code
    if set(BAD) & set(outcomes):
        return MISTAKE if set(outcomes) == {Outcome.REFUSED} else FAILED
    return UNFINISHED if Outcome.BUSY in outcomes else DONE


def _looked_at_again(job: Job, outcome: Outcome) -> Outcome:
    """Outcome at the end of the command, since another process may have finished the run by then."""
    is_done = outcome == Outcome.BUSY and run_state(job.directory).is_done
    return Outcome.SKIPPED if is_done else outcome


def _check_size(config: Config) -> None:
    """Check batch size and epochs against the size of a shipped data set, known without reading it."""
    images = TRAINING_IMAGES.get(config.data.name)
    if images is not None:
        check_updates(config, training_samples(images, config.data))


def _by_all_ranks(jobs: Sequence[Job], stop: Stop, connection: "Connection") -> list[Outcome]:
    from gengap.launch.together import train_together  # imports torch
    from gengap.training.shares import check_shares

    for job in jobs:
        check_shares(job.config, connection.world.size)
    ranks = connection.open(jobs[0].config.runtime.rank_timeout)
    place = Place(threads=connection.threads(), ranks=ranks)
    return _one_by_one(jobs, stop, partial(train_together, ranks=ranks), place)


def _one_by_one(
    jobs: Sequence[Job], stop: Stop, train: Callable[[Job, Stop, Place], Outcome], alone: Place
) -> list[Outcome]:
    cells: set[str] = set()
    outcomes = []
    for number, job in enumerate(jobs, 1):
        place = replace(alone, number=number, runs=len(jobs), opens_cell=job.name not in cells)
        with stop.before_exit(partial(_say_stopped, job.directory)):
            outcomes.append(train(job, stop, place))
        if outcomes[-1] != Outcome.SKIPPED:
            cells.add(job.name)
    return outcomes


def _say_stopped(directory: Path, name: str) -> None:
    if has_record(directory):
        is_saved = any((directory / name).exists() for name in (NEWEST, PREVIOUS))
        kept = "its last checkpoint is kept" if is_saved else "nothing was saved yet"
        line = "%s: stopped (%s) before its next update, %s; run the same command again to continue"
        log.info(line, directory, name, kept)
    else:
        log.info("%s: stopped (%s) before the first update: nothing was trained", directory, name)
