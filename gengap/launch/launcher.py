"""Runs in parallel, in processes that one of Hydra's launchers starts."""

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
    """Train the runs by a launcher; their outcomes, and the Stop that they shared.

    Args:
        jobs: the runs.
        words: overrides of the launcher, which config.launchers has checked.
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
            if is_for_clusters(words):  # whose jobs say it in files of their own
                for job in _finished(batch, outcomes):
                    log.info("%s", finished_line(job))
            return outcomes

        with stop:
            found = survive(jobs, launch, journal, stop)
        stop.reason()  # reads the flag, before its folder is removed
    return [found[job.directory] for job in jobs], stop


def _finished(batch: Sequence[Job], outcomes: Sequence[Outcome]) -> list[Job]:
    return [job for job, end in zip(batch, outcomes, strict=True) if end == Outcome.FINISHED]


def survive(jobs: Sequence[Job], launch: Launch, journal: Journal, stop: Stop) -> dict[Path, Outcome]:
    """The outcome of every run by its directory, even if processes are killed because memory runs out.

    The death of one process ends all of its pool. The runs that had not begun then go on in a new pool, and
    those that had in two pools with half of them each, one after another: in the end, a run whose process is
    killed again was alone in it, and only such a run is given up.
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
        hydra_context=HydraContext(config_loader(), Callback()),  # type: ignore[arg-type]  # the public no-op of its kind
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
    """Train one run in a process started by a launcher; with one CPU thread unless runtime.threads is set.

    Only the process that launched it reacts to Ctrl-C; it stops the others through the flag file.

    Args:
        command: process ID of the launching process.
        started: time.time() at the start of the command.
        flag: the flag file of launch.stop.Stop.
        journal: told when the run begins and ends.
        cfg: the run's configuration, as composed by Hydra.
        opening: the directories of the runs that say what holds for their whole cell.
        is_job: whether it is a job of a cluster, whose signals concern no other run. Once the run is saved, a
            scheduler's warning goes on to the launcher, which may requeue the job.
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
