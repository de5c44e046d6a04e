"""Expand a command line to runs: a sweep in conf/sweep, or the product of comma-separated values."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Glob, Override

from gengap.config import conf
from gengap.config.compose import compose_config, errors_in_one_line
from gengap.config.identity import run_directory
from gengap.config.keys import path_keys
from gengap.config.overrides import check_list, check_override, check_selection, check_single, parse
from gengap.config.schema import Config
from gengap.errors import UserError

PREFIX = "+sweep="

_PLAIN_SEED = re.compile(r"seed=(\d+)")

Words = tuple[str, ...]  # overrides of one run, with paths as in the configuration, not quoted for Hydra


@dataclass(frozen=True)
class Job:
    """A run to train: its overrides and the configuration composed from them."""

    words: Words
    config: Config

    @cached_property
    def directory(self) -> Path:
        """Directory of the run's records, computed only once."""
        return run_directory(self.config)

    @property
    def name(self) -> str:
        """`<workload>-<method>-<digest>`, shared by the seeds of a cell."""
        return self.directory.parent.name


def parameters(name: str) -> dict[str, str]:
    """Read what a sweep varies, as a map from override key to comma-separated values.

    Raises:
        UserError: there is no such sweep.
    """
    override = parse(PREFIX + name)
    if override.is_sweep_override():
        raise UserError(f"sweep={name} is more than one sweep: train one at a time")
    check_override(override)
    with errors_in_one_line():
        varied = conf.compose_multirun([PREFIX + name]).hydra.sweeper.params
    found = {str(key): str(value) for key, value in varied.items()}
    for file in conf.own_files("sweep", f"{name}.yaml"):
        try:
            for key, values in found.items():
                _values(parse(f"{key}={values}"))
        except UserError as error:
            raise UserError(f"{file}: {error}") from error
    return found


def expand(
    arguments: Sequence[str], *, one_run: Sequence[str] | None = None, selecting: bool = True
) -> list[Words]:
    """Expand arguments to the overrides of every run, in training order.

    Arguments replace the sweep's own values for the same key.

    Args:
        arguments: overrides, with comma-separated values.
        one_run: the whole command line after `gengap train` if it lacks -m, so that several values are only
            allowed with a sweep; None if they are allowed.
        selecting: whether the arguments must select what to train.

    Raises:
        UserError: an argument can't be parsed, or has an unknown key or choice or a wrong type; or there is
            neither an experiment nor a sweep, or both.
    """
    arguments = [f"+{a}" if a.startswith(PREFIX[1:]) else a for a in arguments]
    names = [a.removeprefix(PREFIX) for a in arguments if a.startswith(PREFIX)]
    own = parameters(names[0]) if names else {}
    varied = {key: parse(f"{key}={values}") for key, values in own.items()}
    typed = [parse(a) for a in arguments if not a.startswith(PREFIX)]
    _check_repeated(arguments)
    if names and any(o.key_or_group == "experiment" for o in typed):
        raise UserError("+sweep=NAME includes its experiments: leave out +experiment= or +sweep=")
    for override in typed:
        check_list(override)
    if one_run is not None and not names:
        check_single(typed, one_run)
    overrides = varied | {o.get_key_element(): o for o in typed}
    values = list(map(_values, overrides.values()))  # so a misspelled key is reported before a missing choice
    if selecting:
        check_selection(list(overrides.values()))
    return list(itertools.product(*values))


def _check_repeated(arguments: Sequence[str]) -> None:
    """Reject a choice given twice if it would depend on their order which of the two takes effect."""
    sweeps_given = {a for a in arguments if a.startswith(PREFIX)}
    if len(sweeps_given) > 1:
        raise UserError(f"{' '.join(sorted(sweeps_given))} are several sweeps: train one at a time")
    given = [parse(a) for a in arguments if a.lstrip("+").startswith("experiment=")]
    names = list(dict.fromkeys(str(o.value()) for o in given if not o.is_sweep_override()))
    if len(names) > 1:
        raise UserError(f"several experiments are several runs: type -m +experiment={','.join(names)}")
    for group in conf.GROUPS:
        words = [a for a in arguments if a.lstrip("+").startswith(f"{group}=")]
        if len(words) > 1:
            raise UserError(f"{group} is given twice, {' and '.join(words)}: leave one out")


def _values(override: Override) -> list[str]:
    """List one checked `key=value` for each value of an override."""
    key = override.get_key_element()
    if not override.is_sweep_override():
        check_override(override)
        is_path = override.key_or_group in path_keys() and not override.is_delete()
        return [f"{key}={override.value()}" if is_path else override.input_line or key]
    if not override.is_discrete_sweep():
        raise UserError(f"{override.input_line} is not a list of values: type {key}=VALUE,VALUE")
    value: Any = override.value()
    if isinstance(value, Glob):
        found = value.filter(conf.names_in(override.key_or_group))
    else:
        found = list(override.sweep_string_iterator())
    if not found:
        raise UserError(f"{override.input_line} matches nothing: type gengap train --help for the names")
    single = [f"{key}={value}" for value in found]
    for word in single:
        check_override(parse(word))
    return single


def compose_jobs(runs: Sequence[Words]) -> list[Job]:
    """Compose the configuration of every run; runs that differ only in the seed are composed once.

    Raises:
        UserError: overrides don't compose or contradict each other.
    """
    composed: dict[Words, Config] = {}
    jobs = []
    for words in runs:
        seeds = [m.group(1) for m in map(_PLAIN_SEED.fullmatch, words) if m]
        # With interpolations, other keys may depend on the seed
        rest = words if "${" in " ".join(words) else tuple(w for w in words if not _PLAIN_SEED.fullmatch(w))
        if rest not in composed:
            composed[rest] = compose_config(rest)
        config = composed[rest]
        jobs.append(Job(words, replace(config, seed=int(seeds[-1])) if seeds else config))
    return jobs
