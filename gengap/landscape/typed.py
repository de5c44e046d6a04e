"""The settings of a kind as they are typed after `gengap landscape KIND`, and their explanation."""

from collections.abc import Sequence
from dataclasses import Field, fields
from difflib import get_close_matches
from itertools import product
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from gengap.config.ranges import check_number, shown
from gengap.errors import UserError, either
from gengap.landscape.settings import KINDS, Settings

NULL = ("null", "none", "None")


def split(kind: str, words: Sequence[str]) -> tuple[list[Settings], list[str]]:
    """Separate the settings of a kind from the words that say which runs.

    Returns:
        The settings of every record, in order, and the other words.

    Raises:
        UserError: a value that the setting does not take, or one that is given twice.
    """
    cls = KINDS[kind]
    typed: dict[str, list[Any]] = {}
    others = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in names(kind):
            _check_meant(kind, name)
            others.append(word)
        elif name in typed:
            raise UserError(f"{name} is given twice: leave one out")
        else:
            typed[name] = _values(cls, name, value)
    return [
        _checked(cls(**dict(zip(typed, values, strict=True)))) for values in product(*typed.values())
    ], others


def names(kind: str) -> list[str]:
    """The settings of a kind."""
    return [f.name for f in fields(KINDS[kind])]


def _check_meant(kind: str, name: str) -> None:
    """Refuse a misspelled setting here: as a key of the run, its suggestion would mislead."""
    if name in names(kind):
        raise UserError(f"{name} has no value: type {name}=VALUE")
    others = [other for other in KINDS if name in names(other)]
    if others:
        raise UserError(f"{name} is a setting of {either(others)}, not of {kind}: leave it out")
    near = [n for n in names(kind) if n.startswith(name) and len(name) > 1]
    near = near or get_close_matches(name, names(kind), n=1, cutoff=0.8)
    if near and "." not in name:
        raise UserError(f"unknown key {name}: did you mean {near[0]}?")


def _values(cls: type[Settings], name: str, text: str) -> list[Any]:
    """The values that a word gives: one tuple for a field that is a tuple."""
    kind = get_type_hints(cls)[name]
    parts = text.strip("[]").split(",")
    if not all(parts):
        raise UserError(f"{name} has no value: type {name}=VALUE")
    is_list = get_origin(kind) is tuple
    if text in NULL and getattr(cls, name) == ():
        return [()]
    found = [_value(name, get_args(kind)[0] if is_list else kind, part) for part in parts]
    unique = list(dict.fromkeys(found))
    return [tuple(unique)] if is_list else unique


def _value(name: str, kind: Any, text: str) -> Any:
    allowed = get_args(kind) or (kind,)
    if NoneType in allowed and text in NULL:
        return None
    if str in allowed:
        return text
    wanted = int if int in allowed else float
    try:
        return wanted(text)
    except ValueError:
        words = "a whole number" if wanted is int else "a number"
        raise UserError(f"{name}={shown(text)} must be {words}") from None


def _checked(settings: Settings) -> Settings:
    for field in fields(settings):
        value, range_ = getattr(settings, field.name), field.metadata.get("range")
        for one in value if isinstance(value, tuple) else (value,):
            if range_ is not None and one is not None:
                check_number(field.name, one, range_, whole=isinstance(one, int))
        choices = settings.choices().get(field.name)
        if choices and value not in choices:
            typed = either([f"{field.name}={choice}" for choice in choices])
            raise UserError(f"{field.name}={shown(value)} is unknown: type {typed}")
    return settings


def explained(kind: str) -> list[tuple[str, str, str]]:
    """Name, default as typed and explanation of each setting of a kind, for help and documentation."""
    return [(f.name, _typed(f.default), f.metadata["help"] + _taken(kind, f)) for f in fields(KINDS[kind])]


def _typed(default: Any) -> str:
    if isinstance(default, tuple) and default:
        return ",".join(map(str, default))
    return "null" if default in (None, ()) else str(default)


def _taken(kind: str, field: Field[Any]) -> str:
    """The choices or the range of a setting, as the end of its explanation."""
    choices = KINDS[kind]().choices().get(field.name)
    if choices:
        return f": {' | '.join(choices)}"
    return f"; in {field.metadata['range']}" if "range" in field.metadata else ""
