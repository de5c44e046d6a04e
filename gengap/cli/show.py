"""What `gengap train` prints instead of training, as in Hydra: --cfg PART, --package KEY, --info TOPIC."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from omegaconf import OmegaConf

from gengap.cli.options import Typed
from gengap.config.compose import compose_hydra_settings, show_info
from gengap.config.sweep import Job, expand
from gengap.errors import UserError
from gengap.terminal import say

SHOW_CONFIG, PACKAGE, INFO, RESOLVE = "--cfg", "--package", "--info", "--resolve"
PARTS = ("job", "hydra", "all")
TOPICS = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
_OF_A_RUN = ("all", "config")  # topics for which Hydra composes a run
BARE = {INFO: "all"}  # as in Hydra
SETTINGS: Mapping[str, Sequence[str]] = {
    f"-c, {SHOW_CONFIG}": PARTS,
    f"-p, {PACKAGE}": (),
    f"-i, {INFO}": TOPICS,
}


def show_without_a_run(typed: Typed, overrides: Sequence[str], launcher: Sequence[str]) -> bool:
    """Print output that doesn't need a run, for --info and --cfg hydra; return whether it was requested.

    Args:
        typed: arguments of the command.
        overrides: words among them that are for the runs.
        launcher: words among them that are for Hydra's launcher.

    Raises:
        UserError: an override is invalid, or flags exclude each other.
    """
    topics, parts = typed.settings[INFO], typed.settings[SHOW_CONFIG]
    if topics and parts:
        raise UserError(f"{INFO} and {SHOW_CONFIG} print different things: type one of them")
    if typed.settings[PACKAGE] and not parts:
        package = typed.settings[PACKAGE][-1]
        raise UserError(f"{PACKAGE} prints a part of a configuration: type --cfg job {PACKAGE} {package}")
    if RESOLVE in typed.flags and not (topics or parts):
        raise UserError(f"{RESOLVE} is about a printed configuration: type --cfg job, which is resolved")
    if topics:
        run = expand(overrides, selecting=topics[-1] in _OF_A_RUN)[0]
        show_info(topics[-1], run)  # Hydra logs it with its own handlers
    elif parts[-1:] == ("hydra",):
        run = expand(overrides, selecting=False)[0]
        _print({"hydra": compose_hydra_settings([*run, *launcher])}, typed)
    return bool(topics) or parts[-1:] == ("hydra",)


def show_run(jobs: Sequence[Job], typed: Typed) -> None:
    """Print the first run's resolved configuration and, with `--cfg all`, Hydra's.

    Raises:
        UserError: there is nothing at the key given by --package.
    """
    if len(jobs) > 1:
        say(f"# the first of {len(jobs)} runs: {' '.join(jobs[0].words)}")
    found = asdict(jobs[0].config)
    if typed.settings[SHOW_CONFIG][-1] == "all":
        found = {"hydra": compose_hydra_settings(jobs[0].words)} | found
    _print(found, typed)


def _print(tree: Mapping[str, Any], typed: Typed) -> None:
    """Print a configuration as YAML, or the part of it at the key given by --package."""
    config = OmegaConf.create(dict(tree))
    package = typed.settings[PACKAGE][-1] if typed.settings[PACKAGE] else "_global_"
    shown = config if package == "_global_" else OmegaConf.select(config, package)
    if shown is None:
        raise UserError(f"{PACKAGE} {package} is not there: type one of {', '.join(map(str, config))}")
    if not OmegaConf.is_config(shown):
        say(str(shown))
        return
    if package != "_global_":
        say(f"# @package {package}")
    print(OmegaConf.to_yaml(shown), end="")
