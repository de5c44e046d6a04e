"""A sweep: experiments x seeds, read from conf/sweep/NAME.yaml, with what the command line says instead."""

import itertools
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from gengap.config import CONF, compose_config
from gengap.errors import UserError
from gengap.schema import Config

PREFIX = "+sweep="


def sweeps() -> list[str]:
    """Names of all sweeps, sorted."""
    return sorted(p.stem for p in (CONF / "sweep").glob("*.yaml"))


def parameters(name: str) -> dict[str, str]:
    """What a sweep varies: override key to comma-separated values.

    Raises:
        UserError: there is no such sweep.
    """
    path: Path = CONF / "sweep" / f"{name}.yaml"
    if not path.exists():
        near = get_close_matches(name, sweeps(), n=3) or sweeps()
        raise UserError(f"no sweep {name!r}: use +sweep= with one of {', '.join(near)}")
    node: Any = OmegaConf.load(path)
    return {str(key): str(value) for key, value in node.hydra.sweeper.params.items()}


def replace_parameters(arguments: Sequence[str]) -> list[str]:
    """Let `seed=0,1` on the command line replace a sweep's own seeds, where Hydra would run both."""
    names = [a.removeprefix(PREFIX) for a in arguments if a.startswith(PREFIX)]
    varied = parameters(names[0]) if names else {}
    replaced = []
    for argument in arguments:
        key, _, value = argument.partition("=")
        replaced.append(f"hydra.sweeper.params.{key}='{value}'" if key in varied else argument)
    return replaced


def runs(arguments: Sequence[str]) -> list[Config]:
    """The configuration of every run of `+sweep=NAME [key=value ...]`, in the order they are trained.

    Raises:
        UserError: no or no such sweep.
    """
    names = [a.removeprefix(PREFIX) for a in arguments if a.startswith(PREFIX)]
    if not names:
        raise UserError(f"name a sweep: {PREFIX} with one of {', '.join(sweeps())}")
    varied = parameters(names[0])
    fixed = []
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key in varied:
            varied[key] = value
        elif not argument.startswith(PREFIX):
            fixed.append(argument)
    choices = [[f"{key}={value}" for value in values.split(",")] for key, values in varied.items()]
    return [compose_config([*fixed, *chosen]) for chosen in itertools.product(*choices)]
