"""`gengap train`: from the command line to one run or several."""

import logging
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from omegaconf import OmegaConf

from gengap.cli import options
from gengap.cli.help import train_help
from gengap.config.compose import compose_hydra_settings, show_info
from gengap.config.conf import GROUPS, add_config_dirs
from gengap.config.keys import keys, plus
from gengap.config.notices import unreached_milestones
from gengap.config.sweep import Job, compose_jobs, expand
from gengap.errors import DONE, UserError

MULTIRUN, RESOLVE = "--multirun", "--resolve"
SHOW_CONFIG, INFO, PACKAGE, CONFIG_DIR = "--cfg", "--info", "--package", "--config-dir"
PARTS = ("job", "hydra", "all")
TOPICS = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
PRINTING: dict[str, Sequence[str]] = {
    f"-c, {SHOW_CONFIG}": PARTS,
    f"-p, {PACKAGE}": (),
    f"-i, {INFO}": TOPICS,
    RESOLVE: (),
}
_NOT_TAKEN = {  # flags of other Hydra applications
    "-r, --run": "leave it out",
    "-cn, --config-name": "type +experiment=NAME or +sweep=NAME",
    "-cp, --config-path": "type --config-dir DIR for files of your own beside conf/",
    "--experimental-rerun": "type the command of that run again",
    "--hydra-help": "type gengap train --help",
    "-sc, --shell-completion": "type gengap -sc install=bash",
}
_KEYS = (*map(plus, GROUPS), *keys())
_MULTIRUN_FLAG, _FOLDERS = f"-m, {MULTIRUN}", {f"-cd, {CONFIG_DIR}": ()}
TRAIN = options.Spec(
    "train",
    flags=(_MULTIRUN_FLAG, RESOLVE),
    settings={flag: values for flag, values in PRINTING.items() if flag != RESOLVE} | _FOLDERS,
    refused=_NOT_TAKEN,
    keys=_KEYS,
)
STATUS = options.Spec(
    "status",
    flags=(_MULTIRUN_FLAG,),
    settings=_FOLDERS,
    refused=_NOT_TAKEN | dict.fromkeys(PRINTING, "type it after gengap train, which prints configurations"),
    keys=_KEYS,
)
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
    typed = read(TRAIN, arguments)
    if typed.asks_for_help:
        print(train_help())
        return DONE
    overrides, launcher = split_launcher(typed.words)
    _check_printing(typed)
    for topic in typed.settings[INFO]:
        run = expand(overrides, selecting=topic in ("all", "config"))[0]
        show_info(topic, run)  # Hydra logs it with handlers of its own
        return DONE
    if typed.settings[SHOW_CONFIG][-1:] == ("hydra",):
        words = expand(overrides, selecting=False)[0]
        _print({"hydra": compose_hydra_settings([*words, *launcher])}, typed)
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
        _show(jobs, typed)
        return DONE
    if len(jobs) == 1:
        config = jobs[0].config
        log.info("gengap: %s seed%d in %s", jobs[0].name, config.seed, config.results_dir)
    from gengap.launch.jobs import train_all  # knows Hydra's launchers, which nothing above needs

    return train_all(jobs, launcher, started)


def read(spec: options.Spec, arguments: Sequence[str]) -> options.Typed:
    """Parse arguments by TRAIN or STATUS, and add their configuration folders to Hydra's search path.

    Raises:
        UserError: an unknown flag, or a folder that isn't there.
    """
    typed = options.read(spec, arguments)
    searched = [word for word in typed.words if word.startswith(SEARCH_PATH)]
    listed = (word.removeprefix(SEARCH_PATH).strip("[]").split(",") for word in searched)
    folders = [folder.removeprefix("file://") for group in listed for folder in group if folder]
    add_config_dirs([*typed.settings[CONFIG_DIR], *folders])
    return replace(typed, words=tuple(word for word in typed.words if word not in searched))


def split_launcher(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate the overrides of Hydra's launcher (hydra/launcher=NAME and its keys) from the runs' own."""
    launcher = [word for word in words if word.startswith(LAUNCHER)]
    return [word for word in words if word not in launcher], launcher


def _check_printing(typed: options.Typed) -> None:
    if typed.settings[INFO] and typed.settings[SHOW_CONFIG]:
        raise UserError(f"{INFO} and {SHOW_CONFIG} print different things: type one of them")
    if typed.settings[PACKAGE] and not typed.settings[SHOW_CONFIG]:
        package = typed.settings[PACKAGE][-1]
        raise UserError(f"{PACKAGE} prints a part of a configuration: type --cfg job {PACKAGE} {package}")


def _show(jobs: Sequence[Job], typed: options.Typed) -> None:
    """Print the first run's configuration, resolved, and with `--cfg all` Hydra's."""
    if len(jobs) > 1:
        print(f"# the first of {len(jobs)} runs: {' '.join(jobs[0].words)}")
    shown = (
        {} if typed.settings[SHOW_CONFIG][-1] == "job" else {"hydra": compose_hydra_settings(jobs[0].words)}
    )
    _print(shown | asdict(jobs[0].config), typed)


def _print(tree: Mapping[str, Any], typed: options.Typed) -> None:
    """Print a configuration as YAML, or what stands below the key of --package, as Hydra does."""
    config = OmegaConf.create(dict(tree))
    for package in typed.settings[PACKAGE][-1:]:
        if package == "_global_":
            break
        part = OmegaConf.select(config, package)
        if part is None:
            raise UserError(f"{PACKAGE} {package} is not there: type one of {', '.join(map(str, config))}")
        if not OmegaConf.is_config(part):
            print(part)
            return
        print(f"# @package {package}")
        config = part
    print(OmegaConf.to_yaml(config), end="")
