"""`gengap train`: from the command line to one run or several."""

import logging
import sys
import time
from collections.abc import Sequence

from omegaconf import OmegaConf

from gengap.cli import options
from gengap.cli.help import train_help
from gengap.config.sweep import Job, compose_jobs, expand
from gengap.errors import DONE

MULTIRUN, SHOW_CONFIG = "--multirun", "--cfg job"
FLAGS = (f"-m, {MULTIRUN}", f"-c job, {SHOW_CONFIG}")
LAUNCHER = ("hydra/launcher=", "hydra.launcher.")


def main(arguments: Sequence[str], started: float | None = None) -> int:
    """Train the runs of the arguments; return the exit code, one of those in `gengap train --help`.

    Args:
        arguments: the command line after `gengap train`.
        started: time.time() at the start of the command; now when None.

    Raises:
        UserError: an invalid argument, or results_dir can't be written to.
    """
    started = time.time() if started is None else started
    typed = options.read("train", arguments, FLAGS)
    if typed.asks_for_help:
        print(train_help())
        return DONE
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("gengap").setLevel(logging.INFO)
    sys.path.insert(0, "")  # so that package.module:factory is found in the current folder
    overrides, launcher = split_launcher(typed.words)
    jobs = compose_jobs(expand(overrides, MULTIRUN in typed.flags))
    if SHOW_CONFIG in typed.flags:
        _show(jobs)
        return DONE
    from gengap.launch.jobs import train_all  # imports torch: too slow for help and error messages

    return train_all(jobs, launcher, started)


def split_launcher(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate the overrides of Hydra's launcher (hydra/launcher=NAME and its keys) from the runs' own."""
    launcher = [word for word in words if word.startswith(LAUNCHER)]
    return [word for word in words if word not in launcher], launcher


def _show(jobs: Sequence[Job]) -> None:
    if len(jobs) > 1:
        print(f"# the first of {len(jobs)} runs: {' '.join(jobs[0].words)}")
    print(OmegaConf.to_yaml(OmegaConf.structured(jobs[0].config)), end="")
