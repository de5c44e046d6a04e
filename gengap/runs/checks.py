"""Checks of plain values, from which schemas are composed.

A check takes a value and returns what is wrong with it, as the rest of a sentence that starts with the
value's location (`.config.seed` and ` is missing` make `config.seed is missing`), or an empty string if it is
valid.
"""

from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], str]
LARGEST = 1e100  # its square still fits in a float
NONE: Mapping[str, Check] = {}


def number(low: float = -LARGEST, high: float = LARGEST) -> Check:
    """Check for a number, integer or not, in an inclusive range."""

    def check(value: Any) -> str:
        good = type(value) in (int, float) and low <= value <= high  # isinstance would accept a bool
        return "" if good else f" is not a number from {low:g} to {high:g}"

    return check


def whole(low: int = 0, high: int = 2**53) -> Check:
    """Check for an integer in an inclusive range, by default up to the largest that a float holds exactly."""

    def check(value: Any) -> str:
        good = type(value) is int and low <= value <= high
        return "" if good else f" is not a whole number from {low} to {high}"

    return check


def text(value: Any) -> str:
    """Check for a string."""
    return "" if isinstance(value, str) else " is not a text"


def boolean(value: Any) -> str:
    """Check for true or false."""
    return "" if isinstance(value, bool) else " is neither true nor false"


def name(value: Any) -> str:
    """Check for a string that can be part of a folder name."""
    good = isinstance(value, str) and value and value.isprintable() and "/" not in value
    return "" if good else " is not a name"


def tree(value: Any) -> str:
    """Check for an object with arbitrary keys."""
    return "" if isinstance(value, dict) else " is not an object"


def one_of(*values: str) -> Check:
    """Check for one of these strings."""
    return lambda value: "" if value in values else f" is not one of {', '.join(values)}"


def or_null(check: Check) -> Check:
    """Check for null or a value that passes `check`."""
    return lambda value: "" if value is None else check(value)


def each(check: Check) -> Check:
    """Check for a list of values that pass `check`."""

    def check_list(value: Any) -> str:
        if not isinstance(value, list):
            return " is not a list"
        found = ((index, check(one)) for index, one in enumerate(value))
        return next((f"[{index}]{wrong}" for index, wrong in found if wrong), "")

    return check_list


def each_value(check: Check) -> Check:
    """Check for an object with arbitrary keys, whose values pass `check`."""

    def check_values(value: Any) -> str:
        if not isinstance(value, dict):
            return " is not an object"
        return next((wrong for wrong in map(check, value.values()) if wrong), "")

    return check_values


def keys(required: Mapping[str, Check], optional: Mapping[str, Check] = NONE) -> Check:
    """Check for an object with all required keys; keys in neither mapping may have any value."""

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
