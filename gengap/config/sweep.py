"""The runs that a command line describes: a sweep of conf/sweep, or any values listed with commas."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hydra.core.override_parser.types import Glob, Override

from gengap.config import conf
from gengap.config.compose import compose_config, errors_in_one_line
from gengap.config.overrides import check_override, check_selection, check_single, parse
from gengap.config.schema import Config
from gengap.errors import UserError

PREFIX = "+sweep="

_PLAIN_SEED = re.compile(r"seed=(\d+)")

Words = tuple[str, ...]  # the overrides of one run


@dataclass(frozen=True)
class Job:
    """A run to train: its overrides, and the configuration that they compose."""

    words: Words
    config: Config


def sweeps() -> list[str]:
    """Names of all sweeps, sorted."""
    return conf.names_in("sweep")


def parameters(name: str) -> dict[str, str]:
    """What a sweep varies: override key to comma-separated values.

    Raises:
        UserError: there is no such sweep.
    """
    check_override(parse(PREFIX + name))
    with errors_in_one_line():
        varied = conf.compose_multirun([PREFIX + name]).hydra.sweeper.params
    return {str(key): str(value) for key, value in varied.items()}


def expand(arguments: Sequence[str], multirun: bool = True) -> list[Words]:
    """The overrides of every run that the arguments describe, in the order they are trained.

    What is typed replaces the sweep's own values of that key; several values need a sweep or `multirun`.

    Raises:
        UserError: an argument can't be read or has no such choice, key or type, nothing is chosen, or an
            experiment stands beside a sweep.
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
        found = value.filter(conf.names_in(override.key_or_group))
    else:
        found = list(override.sweep_string_iterator())
    single = [f"{key}={value}" for value in found]
    for word in single:
        check_override(parse(word))
    return single


def compose_jobs(runs: Sequence[Words]) -> list[Job]:
    """The configuration of every run, composed once for all its seeds.

    Raises:
        UserError: overrides don't compose, or contradict each other.
    """
    composed: dict[Words, Config] = {}
    jobs = []
    for words in runs:
        seeds = [m.group(1) for m in map(_PLAIN_SEED.fullmatch, words) if m]
        # A seed that other keys refer to is part of what is composed
        rest = words if "${" in " ".join(words) else tuple(w for w in words if not _PLAIN_SEED.fullmatch(w))
        if rest not in composed:
            composed[rest] = compose_config(rest)
        config = composed[rest]
        jobs.append(Job(words, replace(config, seed=int(seeds[-1])) if seeds else config))
    return jobs
