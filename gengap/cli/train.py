"""`gengap train`: train one or more runs, given by the command line."""

import logging
import os
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from gengap.cli import options
from gengap.cli.help import train_help
from gengap.cli.show import BARE, RESOLVE, SETTINGS, SHOW_CONFIG, show_run, show_without_a_run
from gengap.cli.time_left import price
from gengap.config.conf import GROUPS, add_config_dirs
from gengap.config.factory import check_module, imported, own_names
from gengap.config.keys import keys, plus
from gengap.config.launchers import check_launcher, split_launcher
from gengap.config.notices import notices
from gengap.config.sweep import Job, compose_jobs, expand
from gengap.errors import DONE
from gengap.launch.world import world_of
from gengap.runs.state import run_state
from gengap.terminal import log_to_terminal

if TYPE_CHECKING:
    from gengap.launch.connection import Connection

MULTIRUN, CONFIG_DIR = "--multirun", "--config-dir"
_NOT_TAKEN = {  # flags of other Hydra applications
    "-r, --run": "leave it out",
    "--resume": "type the same command again, which continues a run",
    "-cn, --config-name": "type +experiment=NAME or +sweep=NAME",
    "-cp, --config-path": "type --config-dir DIR for files of your own beside conf/",
    "--experimental-rerun": "type the command of that run again",
    "--hydra-help": "type gengap train --help",
    "-sc, --shell-completion": "type gengap -sc install=bash",
}
_PRINTING = "type it after gengap train, which prints configurations"
_KEYS = (*map(plus, GROUPS), *keys())
_FOLDERS: Mapping[str, Sequence[str]] = {f"-cd, {CONFIG_DIR}": ()}
ESTIMATE, COST = "--estimate", "--cost"
TRAIN = options.Spec(
    "train",
    (f"-m, {MULTIRUN}", RESOLVE),
    {**SETTINGS, **_FOLDERS, COST: ()},
    _NOT_TAKEN | {ESTIMATE: "type it after gengap status, which measures without training"},
    _KEYS,
    BARE,
)
STATUS = options.Spec(
    "status",
    (f"-m, {MULTIRUN}", ESTIMATE),
    {**_FOLDERS, COST: ()},
    _NOT_TAKEN | dict.fromkeys((RESOLVE, *SETTINGS), _PRINTING),
    _KEYS,
)
SEARCH_PATH = "hydra.searchpath="

log = logging.getLogger(__name__)


def main(arguments: Sequence[str], started: float | None = None) -> int:
    """Train the requested runs; return the exit code, one of those in `gengap train --help`.

    Args:
        arguments: command line after `gengap train`.
        started: time.time() at the start of the command; None for now.

    Raises:
        UserError: an argument is invalid, or results_dir can't be written to.
    """
    started = time.time() if started is None else started
    world = world_of(os.environ)
    if world is None:
        return _train(arguments, started)
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # its warnings about a lost rank take many lines
    from gengap.cli.ranked import on_every_rank  # imports torch

    return on_every_rank(world, partial(_train, arguments, started))


def _train(arguments: Sequence[str], started: float, connection: "Connection | None" = None) -> int:
    typed = read(TRAIN, arguments)
    if typed.asks_for_help:
        print(train_help())
        return DONE
    overrides, launcher = split_launcher(typed.words)
    cost = price(typed.settings[COST])
    check_launcher(launcher)
    if show_without_a_run(typed, overrides, launcher):
        return DONE
    log_to_terminal()
    sys.path.insert(0, "")  # to find package.module:factory in the current folder
    runs = expand(overrides, one_run=None if MULTIRUN in typed.flags else arguments)
    if len(runs) > 1 and not typed.settings[SHOW_CONFIG]:
        log.info("gengap: %d runs", len(runs))  # immediately, since composing and loading torch take seconds
    jobs = compose_jobs(runs)
    for notice in dict.fromkeys(line for job in jobs for line in notices(job.words, job.config)):
        log.info("gengap: %s", notice)
    if typed.settings[SHOW_CONFIG]:
        show_run(jobs, typed)
        return DONE
    factories = _own_factories(jobs)
    for key, name, _ in factories:
        check_module(key, name)
    if len(jobs) == 1:
        config = jobs[0].config
        log.info("gengap: %s seed%d in %s", jobs[0].name, config.seed, config.results_dir)
    if not launcher:  # a launcher's processes import them themselves
        for factory in factories:  # so that a mistake in one fails the command, not just a run
            imported(*factory)
    from gengap.launch.jobs import train_all  # depends on Hydra's launchers, which nothing above needs

    return train_all(jobs, launcher, started, connection, cost)


def _own_factories(jobs: Sequence[Job]) -> list[tuple[str, str, Collection[str]]]:
    """List the user's own networks and data sets in runs that are still to be trained."""
    custom = [job for job in jobs if own_names(job.config)]
    left = [job for job in custom if not run_state(job.directory).is_done]
    return list({own[:2]: own for job in left for own in own_names(job.config)}.values())


def read(spec: options.Spec, arguments: Sequence[str]) -> options.Typed:
    """Parse arguments according to TRAIN or STATUS, and add configuration folders to Hydra's search path.

    Folders in hydra.searchpath=[DIR] are returned as settings of --config-dir.

    Raises:
        UserError: a flag is unknown, or a folder doesn't exist.
    """
    typed = options.read(spec, arguments)
    searched = [word for word in typed.words if word.startswith(SEARCH_PATH)]
    listed = (word.removeprefix(SEARCH_PATH).strip("[]").split(",") for word in searched)
    folders = [folder.removeprefix("file://") for group in listed for folder in group if folder]
    folders = [*typed.settings[CONFIG_DIR], *folders]
    add_config_dirs(folders)
    words = tuple(word for word in typed.words if word not in searched)
    return replace(typed, words=words, settings={**typed.settings, CONFIG_DIR: tuple(folders)})
