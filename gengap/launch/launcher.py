"""Train runs in parallel, in processes started by one of Hydra's launchers."""

import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

from hydra.core.plugins import Plugins
from hydra.experimental.callback import Callback
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from omegaconf import DictConfig

from gengap.config.compose import to_config
from gengap.config.conf import compose_multirun, config_loader
from gengap.config.overrides import hydra_words
from gengap.config.sweep import Job
from gengap.launch.clusters import (
    hand_over,
    is_for_clusters,
    is_lost_job,
    shared_folder,
    without_the_lost,
)
from gengap.launch.journal import Journal
from gengap.launch.outcome import Outcome
from gengap.launch.place import Place
from gengap.launch.single import train_one
from gengap.launch.stop import Stop
from gengap.launch.summary import finished_line
from gengap.runs.folders import folder_for_now
from gengap.runs.state import run_state
from gengap.terminal import guard_output, log_to_terminal

log = logging.getLogger(__name__)

Launch = Callable[[Sequence[Job]], list[Outcome]]


def launch_all(
    jobs: Sequence[Job], words: Sequence[str], budget: float | None, started: float
) -> tuple[list[Outcome], Stop]:
    """Train the runs through a launcher; return their outcomes and the Stop they shared.

    Args:
        jobs: runs to train.
        words: overrides that select the launcher, already checked by config.launchers.
        budget: runtime.time_budget.
        started: time.time() at the start of the command.
    """
    with folder_for_now(shared_folder(words, jobs[0]), ".gengap-") as folder:
        stop = Stop(budget, started, flag=folder / "stop")
        journal = Journal(folder / "journal")
        first_of_cell = {
            job.name: job.directory for job in reversed(jobs) if not run_state(job.directory).is_done
        }
        task = partial(
            launched, os.getpid(), started, stop.flag, journal, opening=frozenset(first_of_cell.values()),
            is_job=is_for_clusters(words),
        )  # fmt: skip
        plugin = _plugin(words, task)

        def launch(batch: Sequence[Job]) -> list[Outcome]:
            try:
                returned = plugin.launch([hydra_words(job.words) for job in batch], initial_job_idx=0)
            except Exception as error:
                if not is_lost_job(error):
                    raise
                return without_the_lost(batch, journal, error)
            outcomes = [Outcome(one.return_value) for one in returned]
            if is_for_clusters(words):  # their jobs log it only to their own files
                for job in _finished(batch, outcomes):
                    log.info("%s", finished_line(job))
            return outcomes

        with stop:
            found = survive(jobs, launch, journal, stop)
        stop.reason()  # reads the flag file before its folder is removed
    return [found[job.directory] for job in jobs], stop


def _finished(batch: Sequence[Job], outcomes: Sequence[Outcome]) -> list[Job]:
    return [job for job, end in zip(batch, outcomes, strict=True) if end == Outcome.FINISHED]


def survive(jobs: Sequence[Job], launch: Launch, journal: Journal, stop: Stop) -> dict[Path, Outcome]:
    """Get the outcome of every run, by directory, even if processes are killed because memory runs out.

    The death of one process ends its whole pool. Runs that had not begun then continue in a new pool, while
    those that had are split between two further pools, one after another. This bisection ends with pools of
    a single run, and only a run that is killed while alone in its pool is given up.
    """
    outcomes: dict[Path, Outcome] = {}
    batches = [list(jobs)]
    while batches:
        batch = batches.pop(0)
        if stop.reason():
            outcomes |= {job.directory: Outcome.NOT_STARTED for job in batch}
            continue
        try:
            outcomes |= zip((job.directory for job in batch), launch(batch), strict=True)
        except BrokenProcessPool:
            ended, begun = journal.read()
            outcomes |= {job.directory: ended[job.directory] for job in batch if job.directory in ended}
            left = [job for job in batch if job.directory not in ended]
            if batch == left[:1]:
                outcomes[batch[0].directory] = Outcome.KILLED
                _say_killed(batch[0])
                continue
            suspects = [job for job in left if job.directory in begun] or left
            if suspects:
                _say_suspects(suspects)
            waiting = [job for job in left if job not in suspects]
            half = (len(suspects) + 1) // 2
            batches += [part for part in (waiting, suspects[:half], suspects[half:]) if part]
    return outcomes


def _say_suspects(suspects: Sequence[Job]) -> None:
    names = ", ".join(str(job.directory) for job in suspects)
    whose = f"It trained one of {names}" if len(suspects) > 1 else f"It trained {names}"
    then = "it goes on from its checkpoint, with fewer beside it, as does the same command if it is stopped"
    log.error("gengap: a process was killed, is memory used up? %s: %s", whose, then)


def _say_killed(run: Job) -> None:
    then = "the others go on; run the same command again to continue it"
    log.error("gengap: %s: the process of this run was killed, is memory used up? %s", run.directory, then)


def _plugin(words: Sequence[str], task: Callable[[DictConfig], Outcome]) -> Launcher:
    return Plugins.instance().instantiate_launcher(
        hydra_context=HydraContext(config_loader(), Callback()),  # type: ignore[arg-type]  # a public no-op
        task_function=task,
        config=compose_multirun(words),
    )


def launched(
    command: int,
    started: float,
    flag: Path | None,
    journal: Journal,
    cfg: DictConfig,
    *,
    opening: frozenset[Path] = frozenset(),
    is_job: bool = False,
) -> Outcome:
    """Train one run in a process started by a launcher, with one CPU thread unless runtime.threads is set.

    Only the launching process reacts to Ctrl-C; it stops the others through the flag file.

    Args:
        command: process ID of the launching process.
        started: time.time() at the start of the command.
        flag: flag file of launch.stop.Stop.
        journal: records when the run begins and ends.
        cfg: configuration of the run, as composed by Hydra.
        opening: directories of the runs that log what applies to their whole cell.
        is_job: whether this is a job on a cluster, whose signals don't concern other runs. Once the run is
            saved, a scheduler's warning is passed on to the launcher, which may requeue the job.
    """
    guard_output()
    log_to_terminal()
    if "" not in sys.path:
        sys.path.insert(0, "")
    if os.getpid() != command:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    config = to_config(cfg)
    job = Job((), config)
    journal.begin(job.directory)
    stop = Stop(config.runtime.time_budget, started, flag, listens=is_job)
    outcome = train_one(job, stop, Place(threads=1, opens_cell=job.directory in opening))
    journal.end(job.directory, outcome)
    if is_job:
        hand_over(stop)
    return outcome
