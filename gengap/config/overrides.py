"""Overrides of a command line, checked one by one, because Hydra's own messages are long and misleading."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gengap.config.conf import ADDED, GROUPS, names_in
from gengap.config.schema import Config
from gengap.errors import UserError

OPTIONS = "model.options."  # the keys below are the network's own

_DESCRIPTIONS = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}


@cache
def parse(argument: str) -> Override:
    """Parse an override such as `key=value`; keys below model.options need not exist yet.

    Raises:
        UserError: it can't be parsed.
    """
    if "=" not in argument and not argument.startswith("~"):
        _refuse_bare_word(argument)
    bare, word = argument.lstrip("+"), argument
    if bare.startswith((OPTIONS, "model.options=")):
        word = f"++{bare}"  # sets an option whether or not the workload has it
    elif bare.startswith(tuple(f"{group}=" for group in ADDED)):
        word = f"+{bare}"  # experiment=NAME and +experiment=NAME mean the same
    try:
        return OverridesParser.create().parse_override(word)
    except HydraException as error:
        raise UserError(
            f"can't parse {argument}: type key=value, with lists in quotes, as in 'workload.lr=[0.1,0.01]'"
        ) from error


def _refuse_bare_word(word: str) -> None:
    for group in GROUPS:
        if word in names_in(group):
            raise UserError(f"{word} is not key=value: did you mean {_plus(group)}={word}?")
    raise UserError(f"{word} has no value: type {word}=VALUE")


def check_override(override: Override) -> None:
    """Check the key, and the value's type or choice, of an override with a single value.

    Raises:
        UserError: with the nearest keys or choices, or the expected type.
    """
    key = override.key_or_group
    if override.is_hydra_override():
        raise UserError(f"{key} can't be set: {_refusal(key)}")
    if key in GROUPS and not override.is_delete():
        _check_choice(override)
    elif key.startswith(OPTIONS):
        return
    elif key not in keys():
        raise UserError(f"unknown key {key}: {_nearest_keys(key)}")
    elif override.is_delete():
        raise UserError(f"{key} can't be removed: type {key}=VALUE to change it")
    elif override.is_add():
        raise UserError(f"{key} exists already: type {key}=VALUE without the +")
    else:
        _check_type(key, override.value())


_REFUSED = {
    "hydra.run": "the folder of a run follows from its configuration; set results_dir=DIR",
    "hydra.sweep.": "the folders of runs follow from their configurations; set results_dir=DIR",
    "hydra.job.chdir": "paths are relative to the folder that gengap is called from; set results_dir=DIR",
    "hydra/sweeper": "runs are found again by their settings; list values with commas, or write a sweep file",
    "hydra.sweeper": "runs are found again by their settings; list values with commas, or write a sweep file",
    "hydra.mode": "type -m for several runs",
}


def _refusal(key: str) -> str:
    """Why a key of Hydra's is not taken, and what to type instead."""
    taken = "the only Hydra keys are hydra/launcher=NAME, hydra.launcher.KEY=VALUE and hydra.searchpath=[DIR]"
    return next((reason for start, reason in _REFUSED.items() if key.startswith(start)), taken)


def _check_choice(override: Override) -> None:
    group, value = override.key_or_group, override.value()
    if group not in ADDED and override.is_add():
        raise UserError(f"{group} takes no +: type {group}={value}")
    if value not in names_in(group):
        near = get_close_matches(str(value), names_in(group))
        advice = f"did you mean {_or(near)}?" if near else "type gengap train --help for the list"
        raise UserError(f"unknown {group} {value!r}: {advice}")


def _check_type(key: str, value: Any) -> None:
    try:
        OmegaConf.update(OmegaConf.structured(Config), key, value)
    except OmegaConfBaseException as error:
        shown = str(value).replace(" ", "").replace("'", "")
        raise UserError(f"{key}={shown} must be {described(keys()[key])}") from error


@cache
def keys() -> dict[str, Any]:
    """Every dotted key of the schema with its type."""
    return dict(_typed_keys(Config))


def _typed_keys(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    types = get_type_hints(node)
    for name in (f.name for f in fields(node)):
        if is_dataclass(types[name]):
            yield from _typed_keys(types[name], f"{prefix}{name}.")
        else:
            yield prefix + name, types[name]


def described(kind: Any) -> str:
    """A type of the schema in plain English."""
    if get_origin(kind) is list:
        return f"a list of {described(get_args(kind)[0]).removeprefix('a ')}s, as in [0.1,0.01]"
    if NoneType in get_args(kind):
        return f"{described(next(k for k in get_args(kind) if k is not NoneType))} or null"
    return _DESCRIPTIONS.get(kind, "a mapping, as in {width: 64}")


def _nearest_keys(key: str) -> str:
    last = key.rpartition(".")[2]
    names = {known.rpartition(".")[2] for known in keys()}
    likely = [k for short in get_close_matches(last, names, n=1) for k in keys() if k.endswith(short)]
    groups = [_plus(group) for group in get_close_matches(key, GROUPS, n=1, cutoff=0.8)]
    near = groups or get_close_matches(key, likely, cutoff=0) or get_close_matches(key, keys())
    return f"did you mean {_or(near)}?" if near else "type gengap train --help for the list"


def check_selection(overrides: Sequence[Override]) -> None:
    """Check that the overrides select an experiment, a sweep, or both a workload and a method.

    Raises:
        UserError: they don't.
    """
    chosen = {o.key_or_group for o in overrides if not o.is_delete()}
    if chosen & set(ADDED):
        return
    missing = [group for group in ("workload", "method") if group not in chosen]
    if len(missing) == 2:
        raise UserError(
            "nothing to train: add +experiment=NAME or +sweep=NAME; type gengap train --help for the names"
        )
    if missing:
        raise UserError(f"no {missing[0]} given: add {missing[0]}=NAME ({_or(names_in(missing[0]))})")


def check_single(overrides: Sequence[Override], arguments: Sequence[str]) -> None:
    """Check that no override lists several values, which would make several runs.

    Raises:
        UserError: with the command that trains them all.
    """
    for override in overrides:
        if override.is_sweep_override():
            command = shlex.join(["gengap", "train", "-m", *arguments])
            raise UserError(f"{override.input_line} makes several runs: type {command}")


def _plus(group: str) -> str:
    return f"+{group}" if group in ADDED else group


def _or(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
