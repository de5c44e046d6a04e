"""A sweep: experiments x seeds, read from conf/sweep/NAME.yaml, or any values listed with commas."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hydra.core.override_parser.types import Glob, Override
from omegaconf import OmegaConf

from gengap.config.compose import compose_config
from gengap.config.overrides import CONF, check_override, check_selection, check_single, names_in, parse
from gengap.config.schema import Config
from gengap.errors import UserError

PREFIX = "+sweep="

_PLAIN_SEED = re.compile(r"seed=(\d+)")

Job = tuple[str, ...]  # the overrides of one run


def sweeps() -> list[str]:
    """Names of all sweeps, sorted."""
    return names_in("sweep")


def parameters(name: str) -> dict[str, str]:
    """What a sweep varies: override key to comma-separated values.

    Raises:
        UserError: there is no such sweep.
    """
    check_override(parse(PREFIX + name))
    node: Any = OmegaConf.load(CONF / "sweep" / f"{name}.yaml")
    return {str(key): str(value) for key, value in node.hydra.sweeper.params.items()}


def expand(arguments: Sequence[str], multirun: bool = True) -> list[Job]:
    """The overrides of every run that the arguments describe, in the order they are trained.

    What is typed replaces the sweep's own values of that key; several values need a sweep or `multirun`.

    Raises:
        UserError: an argument can't be read or has no such choice, key or type, nothing is chosen, or an
            experiment beside a sweep.
    """
    names = [a.removeprefix(PREFIX) for a in arguments if a.startswith(PREFIX)]
    own = parameters(names[0]) if names else {}
    varied = {key: parse(f"{key}={values}") for key, values in own.items()}
    typed = [parse(a) for a in arguments if not a.startswith(PREFIX)]
    if names and any(o.key_or_group == "experiment" for o in typed):
        raise UserError("a sweep brings its own experiments: leave out +experiment=, or +sweep=")
    if not (names or multirun):
        check_single(typed, arguments)
    overrides = varied | {o.get_key_element(): o for o in typed}
    check_selection(list(overrides.values()))
    return list(itertools.product(*map(_values, overrides.values())))


def _values(override: Override) -> list[str]:
    """`key=value` for each of its values, checked."""
    key = override.get_key_element()
    if not override.is_sweep_override():
        check_override(override)
        return [override.input_line or key]
    if not override.is_discrete_sweep():
        raise UserError(f"{override.input_line} has no end: list its values, {key}=VALUE,VALUE")
    value: Any = override.value()
    if isinstance(value, Glob):
        found = value.filter(names_in(override.key_or_group))
    else:
        found = list(override.sweep_string_iterator())
    single = [f"{key}={value}" for value in found]
    for word in single:
        check_override(parse(word))
    return single


def runs(arguments: Sequence[str]) -> list[Config]:
    """The configuration of every run that the arguments describe; errors as those of expand, compose_all."""
    return compose_all(expand(arguments))


def compose_all(jobs: Sequence[Job]) -> list[Config]:
    """The configuration of every job, composed once for all its seeds.

    Raises:
        UserError: overrides don't compose, or contradict each other.
    """
    composed: dict[Job, Config] = {}
    configs = []
    for job in jobs:
        seeds = [m.group(1) for m in map(_PLAIN_SEED.fullmatch, job) if m]
        # A seed that other keys refer to is part of what is composed
        rest = job if "${" in " ".join(job) else tuple(o for o in job if not _PLAIN_SEED.fullmatch(o))
        if rest not in composed:
            composed[rest] = compose_config(rest)
        configs.append(replace(composed[rest], seed=int(seeds[-1])) if seeds else composed[rest])
    return configs
