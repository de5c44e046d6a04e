"""Checks of plain values, from which a schema is put together.

A check takes a value and returns what is wrong with it, as the rest of a sentence that begins with the
value's place (`.config.seed` and ` is missing` make `config.seed is missing`); empty if nothing is.
"""

from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], str]
LARGEST = 1e100  # whose square is still a float
NONE: Mapping[str, Check] = {}


def number(low: float = -LARGEST, high: float = LARGEST) -> Check:
    """A number, whole or not, in a range that includes its ends."""

    def check(value: Any) -> str:
        good = type(value) in (int, float) and low <= value <= high  # a bool is an int to isinstance
        return "" if good else f" is not a number from {low:g} to {high:g}"

    return check


def whole(low: int = 0, high: int = 2**53) -> Check:
    """A whole number in a range that includes its ends; by default up to what a float holds exactly."""

    def check(value: Any) -> str:
        good = type(value) is int and low <= value <= high
        return "" if good else f" is not a whole number from {low} to {high}"

    return check


def text(value: Any) -> str:
    """A text."""
    return "" if isinstance(value, str) else " is not a text"


def name(value: Any) -> str:
    """A text that can be part of the name of a folder."""
    good = isinstance(value, str) and value and value.isprintable() and "/" not in value
    return "" if good else " is not a name"


def tree(value: Any) -> str:
    """An object of whatever keys."""
    return "" if isinstance(value, dict) else " is not an object"


def one_of(*values: str) -> Check:
    """One of these texts."""
    return lambda value: "" if value in values else f" is not one of {', '.join(values)}"


def or_null(check: Check) -> Check:
    """Null, or what `check` passes."""
    return lambda value: "" if value is None else check(value)


def each(check: Check) -> Check:
    """A list of what `check` passes."""

    def check_list(value: Any) -> str:
        if not isinstance(value, list):
            return " is not a list"
        found = ((index, check(one)) for index, one in enumerate(value))
        return next((f"[{index}]{wrong}" for index, wrong in found if wrong), "")

    return check_list


def each_value(check: Check) -> Check:
    """An object of any keys, whose values are what `check` passes."""

    def check_values(value: Any) -> str:
        if not isinstance(value, dict):
            return " is not an object"
        return next((wrong for wrong in map(check, value.values()) if wrong), "")

    return check_values


def keys(required: Mapping[str, Check], optional: Mapping[str, Check] = NONE) -> Check:
    """An object with all of the required keys; keys that stand in neither mapping may hold anything."""

    def check(value: Any) -> str:
        if not isinstance(value, dict):
            return " is not an object"
        for key in required:
            if key not in value:
                return f".{key} is missing"
        for key, check_value in (*required.items(), *optional.items()):
            if key in value and (wrong := check_value(value[key])):
                return f".{key}{wrong}"
        return ""

    return check
