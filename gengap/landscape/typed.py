"""Settings of a kind as typed after `gengap landscape KIND`, and their explanations."""

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
    """Separate the settings of a kind from the words that select runs.

    Returns:
        The settings of every record, in order, and the other words.

    Raises:
        UserError: a setting does not accept a value, or is given twice.
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
    """Names of a kind's settings."""
    return [f.name for f in fields(KINDS[kind])]


def _check_meant(kind: str, name: str) -> None:
    """Reject a misspelled setting here, since suggestions for it as a key of the run would be misleading."""
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
    """Parse the values in a word, which are a single tuple for a field that is a tuple."""
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
    """List name, default as typed, and explanation of each setting of a kind, for help and documentation."""
    return [(f.name, _typed(f.default), f.metadata["help"] + _taken(kind, f)) for f in fields(KINDS[kind])]


def _typed(default: Any) -> str:
    if isinstance(default, tuple) and default:
        return ",".join(map(str, default))
    return "null" if default in (None, ()) else str(default)


def _taken(kind: str, field: Field[Any]) -> str:
    """Choices or range of a setting, as the end of its explanation."""
    choices = KINDS[kind]().choices().get(field.name)
    if choices:
        return f": {' | '.join(choices)}"
    return f"; in {field.metadata['range']}" if "range" in field.metadata else ""
