"""The keys of a configuration: their types in words, checks of values, and hints for misspelled keys."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gengap.config.conf import ADDED, names_in, own_files
from gengap.config.hints import did_you_mean, near_names
from gengap.config.schema import Config
from gengap.errors import UserError

OPTIONS = "model.options."  # the network defines the keys below this prefix

_MAY_BE_EMPTY = ("data.folder",)
_FUNCTIONS = ("divide", "oc.env")
_DESCRIPTIONS = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}
_REFERENCE = re.compile(r"\$\{([^.:{}][^:{}]*)\}")  # ${key}, from the root of the configuration
_INDEX = re.compile(r"(\[\w+\]|\.\d+)$")  # an element of a list
_FUNCTION = re.compile(r"\$\{([\w.]+):")


@cache
def keys() -> dict[str, Any]:
    """Map every dotted key in the schema to its type."""
    return {name: kind for name, kind, _ in _fields(Config)}


@cache
def path_keys() -> tuple[str, ...]:
    """Keys that hold a path, which is taken literally."""
    return tuple(name for name, _, metadata in _fields(Config) if "path" in metadata)


def sections() -> set[str]:
    """Keys of the schema that contain others: workload, method, ..."""
    return {key.partition(".")[0] for key in keys() if "." in key}


def _fields(node: Any, prefix: str = "") -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    types = get_type_hints(node)
    for field in fields(node):
        if is_dataclass(types[field.name]):
            yield from _fields(types[field.name], f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, types[field.name], field.metadata


def is_list(key: str) -> bool:
    """Whether a key of the schema holds a list."""
    return get_origin(keys().get(key)) is list


def described(kind: Any) -> str:
    """Describe a type in the schema in plain English."""
    if get_origin(kind) is list:
        return f"a list of {described(get_args(kind)[0]).removeprefix('a ')}s, as in [0.1,0.01]"
    if NoneType in get_args(kind):
        return f"{described(next(k for k in get_args(kind) if k is not NoneType))} or null"
    return _DESCRIPTIONS.get(kind, "a mapping, as in {width: 64}")


def check_value(key: str, value: Any) -> None:
    """Check a value's type and the references in it.

    Raises:
        UserError: the value doesn't fit; the message states the key's type.
    """
    check_option(key, value)
    try:
        part, name = _smallest(key)
        OmegaConf.update(OmegaConf.structured(part), name, value)
    except (OmegaConfBaseException, OverflowError, RecursionError) as error:
        raise UserError(f"{key}={shown(value)} must be {described(keys()[key])}") from error


def _smallest(key: str) -> tuple[Any, str]:
    """Smallest part of the schema that contains a key, and the key in it; building all of it is slow."""
    section, _, name = key.partition(".")
    part = get_type_hints(Config).get(section)
    return (part, name) if name and is_dataclass(part) else (Config, key)


def check_option(key: str, value: Any) -> None:
    """Check that a value, of any type, is not empty and refers only to existing keys.

    Raises:
        UserError: it is or does not; the message says what to type.
    """
    if value == "" and key not in _MAY_BE_EMPTY:
        raise UserError(f"{key} has no value: type {key}=VALUE")
    if isinstance(value, str) and "${" in value:
        _check_references(key, value)


def _check_references(key: str, text: str) -> None:
    if text.count("{") != text.count("}"):
        raise UserError(f"{key}={text} has an open brace: type {key}='${{OTHER.KEY}}'")
    for name in _FUNCTION.findall(text):
        if not OmegaConf.has_resolver(name):
            raise UserError(
                f"{key}={text}: unknown function {name}: {did_you_mean(get_close_matches(name, _FUNCTIONS))}"
            )
    for name in (_INDEX.sub("", name) for name in _REFERENCE.findall(text)):
        if key in path_keys() and name not in keys():
            raise UserError(f"{key}={text}: write ${name} for the environment variable, without braces")
        if name in sections():
            first = next(k for k in keys() if k.startswith(f"{name}."))
            raise UserError(f"{key}={text}: {name} is a group of keys: name one of them, such as {first}")
        if name not in keys() and not name.startswith(OPTIONS):
            raise UserError(f"{key}={text}: {unknown_key(name)}")


def check_choice(group: str, name: Any) -> None:
    """Check that a group has a choice of this name.

    Raises:
        UserError: it has none; the message suggests the nearest names.
    """
    if isinstance(name, Mapping):
        words = " ".join(f"{group}.{key}={shown(value)}" for key, value in name.items())
        raise UserError(f"{plus(group)} takes a name: to set its keys, type {words or f'{group}.KEY=VALUE'}")
    if name in names_in(group):
        return
    if not name:
        raise UserError(f"{group} has no value: type {plus(group)}=NAME")
    for file in own_files(group, f"{name}.yml"):
        raise UserError(f"unknown {group} {name!r}: rename {file} to {name}.yaml")
    raise UserError(f"unknown {group} {name!r}: {did_you_mean(near_names(group, str(name)))}")


def unknown_key(key: str, among: Sequence[str] = ()) -> str:
    """Error message for a key that isn't in the schema; `among` lists other names that may be meant."""
    return f"unknown key {key}: {did_you_mean(_near_keys(key, among))}"


def _near_keys(key: str, among: Sequence[str]) -> list[str]:
    section, dot, last = key.rpartition(".")
    if not dot and (near := get_close_matches(key, among, n=1, cutoff=0.8)):
        return [plus(near[0])]
    names = {known.rpartition(".")[2] for known in keys()}
    likely = get_close_matches(last, names, n=1)
    same = [k for k in keys() if k.rpartition(".")[2] in likely]
    if section == "model" and not same:
        return [OPTIONS + last]
    near = get_close_matches(key, same, cutoff=0)
    return near or ([] if section in sections() else get_close_matches(key, keys()))


def shown(value: Any) -> str:
    """Format a value as typed on the command line."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return str(value).replace(" ", "").replace("'", "")


def plus(group: str) -> str:
    """Format a group as typed on the command line."""
    return f"+{group}" if group in ADDED else group
