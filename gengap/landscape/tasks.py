"""Derive the records of measurements to make from runs and settings; this module does not import torch."""

import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from gengap.config.identity import run_directory
from gengap.config.plain import compose_run
from gengap.config.schema import Config
from gengap.config.shipped import cells, experiments
from gengap.config.sweep import Job, Words
from gengap.errors import UserError
from gengap.landscape.settings import Line, Settings
from gengap.landscape.task import Task

CHOOSING = ("experiment", "workload", "method", "method.")  # keys that determine a cell

log = logging.getLogger(__name__)


def make_tasks(
    kind: str, settings: Sequence[Settings], jobs: Sequence[Job], folders: Sequence[str] = ()
) -> list[Task]:
    """Make a task for each run and each of the settings, except lines that would end where they start.

    Args:
        kind: kind of measurement.
        settings: settings, one for each record of a run.
        jobs: runs to measure.
        folders: --config-dir and its value, for the commands in messages.

    Raises:
        UserError: there is no such start of a line, or no tasks are left.
    """
    tasks: list[Task] = []
    left_out: dict[Path, None] = {}
    for job in jobs:
        for one in settings:
            words = start_words(one, job)
            start = _composed(words) if words else None
            if start and run_directory(start) == job.directory:
                left_out[job.directory] = None
                continue
            of_start = (*folders, *words) if words else ()
            tasks.append(Task(kind, one, job.config, start, (*folders, *job.words), of_start))
    if not tasks:
        here = jobs[0].directory
        raise UserError(
            f"a line needs two runs, but {here} is both ends: set start=EXPERIMENT to another one"
        )
    for directory in left_out:
        log.info("gengap: %s is the start of the lines: no line ends there", directory)
    return tasks


def start_words(settings: Settings, job: Job) -> Words:
    """Words for the run at the start of a line: a cell's experiment, and the seed and keys of the end's run.

    Method settings apply to the end only. Empty for other kinds.

    Raises:
        UserError: the workload has no such experiment.
    """
    if not isinstance(settings, Line):
        return ()
    name = settings.start
    if name not in experiments():
        name = cells().get((job.config.workload.name, settings.start), "")
    if not name:
        raise UserError(
            f"start={settings.start} is no experiment of {job.config.workload.name}: type start=EXPERIMENT"
        )
    return (f"+experiment={name}", *(word for word in job.words if not _chooses(word)))


def _chooses(word: str) -> bool:
    key = word.lstrip("+~").partition("=")[0]
    return key in CHOOSING or key.startswith(CHOOSING[-1])


@cache
def _composed(words: Words) -> Config:
    return compose_run(words)
