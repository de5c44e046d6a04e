"""Overrides for Hydra's launcher: hydra/launcher=NAME and hydra.launcher.KEY."""

from collections.abc import Sequence
from dataclasses import is_dataclass
from difflib import get_close_matches
from typing import Any, get_type_hints

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from gengap.config.conf import compose_multirun, names_in
from gengap.config.keys import described
from gengap.errors import UserError, either

CHOICE, SETTING = "hydra/launcher=", "hydra.launcher."
PACKAGES = {  # Hydra's other launchers, and the packages that provide them
    "joblib": "hydra-joblib-launcher",
    "ray": "hydra-ray-launcher",
    "ray_aws": "hydra-ray-launcher",
    "ray_jobs": "hydra-ray-launcher",
    "rq": "hydra-rq-launcher",
    "submitit_local": "hydra-submitit-launcher",
    "submitit_slurm": "hydra-submitit-launcher",
}


def split_launcher(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate the overrides for Hydra's launcher from those for the runs.

    Raises:
        UserError: two launchers are chosen.
    """
    launcher = [word for word in words if word.startswith((CHOICE, SETTING))]
    chosen = [word for word in launcher if word.startswith(CHOICE)]
    if len(chosen) > 1:
        raise UserError(f"hydra/launcher is given twice, {' and '.join(chosen)}: leave one out")
    return [word for word in words if word not in launcher], launcher


def check_launcher(words: Sequence[str]) -> None:
    """Check the overrides for the launcher, as returned by split_launcher.

    Raises:
        UserError: the launcher is unknown or not installed, or a setting is unknown or has the wrong type.
    """
    choice = [word for word in words if word.startswith(CHOICE)]
    for word in choice:
        _check_name(word.removeprefix(CHOICE))
    settings = [word for word in words if word not in choice]
    if settings:
        launcher = compose_multirun(choice).hydra.launcher
        for word in settings:
            _check_setting(word, choice, launcher)


def _check_name(name: str) -> None:
    installed = names_in("hydra/launcher")
    if name in installed:
        return
    near = [name] if name in PACKAGES else get_close_matches(name, {*installed, *PACKAGES})
    if not near:
        adds = "" if "joblib" in installed else f"; type pip install {PACKAGES['joblib']} to add joblib"
        raise UserError(f"unknown launcher {name!r}: type hydra/launcher={either(installed)}{adds}")
    unknown = "" if near == [name] else f"unknown launcher {name!r}: did you mean {either(near)}? "
    missing = [launcher for launcher in near if launcher not in installed]
    if len(missing) < len(near):
        raise UserError(unknown.rstrip())
    raise UserError(
        f"{unknown}{either(missing)} is not installed: type pip install {PACKAGES[missing[0]]}, "
        f"or hydra/launcher={either(installed)}"
    )


def _check_setting(word: str, choice: Sequence[str], launcher: DictConfig) -> None:
    override = _parsed(word)
    key = override.key_or_group
    expected = _expected_type(launcher, key.removeprefix(SETTING).split("."), word)
    if override.is_sweep_override():
        raise UserError(f"{word} has several values: a launcher takes one")
    try:
        compose_multirun([*choice, word])
    except HydraException as error:
        must = f"must be {described(expected)}" if expected else "can't be set to that"
        raise UserError(f"{word}: {key} {must}") from error


def _parsed(word: str) -> Override:
    try:
        return OverridesParser.create().parse_override(word)
    except (HydraException, ValueError, RecursionError) as error:
        raise UserError(f"can't parse {word}: type {SETTING}KEY=VALUE") from error


def _expected_type(node: Any, path: Sequence[str], word: str) -> Any:
    """Find the type of the launcher setting at a path; None if any value is allowed.

    Raises:
        UserError: there is no such setting.
    """
    kind = OmegaConf.get_type(node) if OmegaConf.is_config(node) else None
    if not is_dataclass(kind):
        return None
    known = [key for key in get_type_hints(kind) if not key.startswith("_")]
    if path[0] in known:
        rest = path[1:]
        return _expected_type(node[path[0]], rest, word) if rest else get_type_hints(kind)[path[0]]
    if near := get_close_matches(path[0], known):
        raise UserError(f"{word}: unknown launcher setting {path[0]}: did you mean {either(near)}?")
    if known:
        raise UserError(f"{word}: unknown launcher setting {path[0]}: type one of {', '.join(sorted(known))}")
    raise UserError(f"{word}: there is no launcher to set: add hydra/launcher=NAME, or leave this out")
