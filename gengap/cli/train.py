"""`gengap train`: from the command line to one run or several."""

import logging
import sys
import time
from collections.abc import Sequence

from omegaconf import OmegaConf

from gengap.cli import options
from gengap.cli.help import train_help
from gengap.config.compose import compose_hydra_settings
from gengap.config.conf import add_config_dirs, show_info
from gengap.config.notices import unreached_milestones
from gengap.config.sweep import Job, compose_jobs, expand
from gengap.errors import DONE, UserError

MULTIRUN, RESOLVE = "--multirun", "--resolve"
SHOW_CONFIG, INFO, CONFIG_DIR = "--cfg", "--info", "--config-dir"
FLAGS = (f"-m, {MULTIRUN}", RESOLVE)
SETTINGS = (f"-c, {SHOW_CONFIG}", f"-i, {INFO}", f"-cd, {CONFIG_DIR}")
LAUNCHER = ("hydra/launcher=", "hydra.launcher.")
SEARCH_PATH = "hydra.searchpath="

log = logging.getLogger(__name__)


def main(arguments: Sequence[str], started: float | None = None) -> int:
    """Train the runs of the arguments; return the exit code, one of those in `gengap train --help`.

    Args:
        arguments: the command line after `gengap train`.
        started: time.time() at the start of the command; now when None.

    Raises:
        UserError: an invalid argument, or results_dir can't be written to.
    """
    started = time.time() if started is None else started
    typed = read(arguments, "train")
    if typed.asks_for_help:
        print(train_help())
        return DONE
    overrides, launcher = split_launcher(typed.words)
    for topic in typed.settings[INFO]:
        show_info(topic, expand(overrides)[0])  # Hydra logs it with handlers of its own
        return DONE
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("gengap").setLevel(logging.INFO)
    sys.path.insert(0, "")  # so that package.module:factory is found in the current folder
    runs = expand(overrides, MULTIRUN in typed.flags)
    if len(runs) > 1 and not typed.settings[SHOW_CONFIG]:
        log.info("gengap: %d runs", len(runs))  # at once: composing them and loading torch takes seconds
    jobs = compose_jobs(runs)
    for notice in dict.fromkeys(unreached_milestones(job.config) for job in jobs):
        if notice:
            log.info("gengap: %s", notice)
    if typed.settings[SHOW_CONFIG]:
        _show(jobs, typed.settings[SHOW_CONFIG][-1])
        return DONE
    if len(jobs) == 1:
        config = jobs[0].config
        log.info("gengap: %s seed%d in %s", jobs[0].name, config.seed, config.results_dir)
    from gengap.launch.jobs import train_all  # knows Hydra's launchers, which nothing above needs

    return train_all(jobs, launcher, started)


def read(arguments: Sequence[str], command: str) -> options.Typed:
    """Parse arguments as `gengap train` takes them, and add its configuration folders to Hydra's search path.

    Raises:
        UserError: an unknown flag, or a folder that isn't there.
    """
    typed = options.read(command, arguments, FLAGS, SETTINGS)
    searched = [word for word in typed.words if word.startswith(SEARCH_PATH)]
    listed = (word.removeprefix(SEARCH_PATH).strip("[]").split(",") for word in searched)
    folders = [folder.removeprefix("file://") for group in listed for folder in group if folder]
    add_config_dirs([*typed.settings[CONFIG_DIR], *folders])
    words = tuple(word for word in typed.words if word not in searched)
    return options.Typed(typed.command, typed.flags, words, typed.settings)


def split_launcher(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate the overrides of Hydra's launcher (hydra/launcher=NAME and its keys) from the runs' own."""
    launcher = [word for word in words if word.startswith(LAUNCHER)]
    return [word for word in words if word not in launcher], launcher


def _show(jobs: Sequence[Job], part: str) -> None:
    """Print the first run's configuration, resolved: its own (`job`), Hydra's (`hydra`) or both (`all`)."""
    if part not in ("job", "hydra", "all"):
        raise UserError(f"--cfg {part} is unknown: type --cfg job, --cfg hydra or --cfg all")
    if len(jobs) > 1:
        print(f"# the first of {len(jobs)} runs: {' '.join(jobs[0].words)}")
    if part in ("hydra", "all"):
        print(OmegaConf.to_yaml({"hydra": compose_hydra_settings(jobs[0].words)}), end="")
    if part in ("job", "all"):
        print(OmegaConf.to_yaml(OmegaConf.structured(jobs[0].config)), end="")
