"""Read typed numbers exactly, with one-line errors for anything that is not a number, and format them."""

import math
from collections.abc import Mapping
from fractions import Fraction

from gengap.errors import UserError


def whole(values: Mapping[str, str], key: str) -> int:
    """Read the integer, 1 to 10^12, under `key`.

    Raises:
        UserError: it is not an integer, or outside these limits.
    """
    try:
        value = int(values[key])
    except ValueError:
        raise UserError(f"{key}={values[key]} is not a whole number") from None
    if not 1 <= value <= 10**12:
        raise UserError(f"{key} must be between 1 and 10^12, not {values[key]}")
    return value


def number(values: Mapping[str, str], key: str, default: str = "", *, zero: bool = False) -> Fraction:
    """Read the single number under `key`, with default and limits as in `numbers`.

    Raises:
        UserError: it is not a number, or there are several.
    """
    found = numbers(values, key, default, zero=zero)
    if len(found) != 1:
        raise UserError(f"{key}={values[key]} must be a single number")
    return found[0]


def numbers(
    values: Mapping[str, str], key: str, default: str = "", *, zero: bool = False
) -> tuple[Fraction, ...]:
    """Read the positive numbers under `key`, 30,60 or [30,60], as exact decimals, so that 0.1 · 0.1 is 0.01.

    Args:
        values: typed values, by key.
        key: key to read.
        default: value to use if the key is absent.
        zero: whether 0 is allowed.

    Raises:
        UserError: a value is not a number, not finite, negative, or 0 although that is not allowed.
    """
    text = values.get(key, default)
    try:
        found = [float(part) for part in text.removeprefix("[").removesuffix("]").split(",")]
    except ValueError:
        raise UserError(f"{key}={text} is not a number, nor a list of numbers such as 30,60,80") from None
    if not all(math.isfinite(v) and (v > 0 or (zero and v == 0)) for v in found):
        raise UserError(f"{key}={text} must be finite and {'0 or more' if zero else 'above 0'}")
    return tuple(Fraction(repr(v)) for v in found)


def shown(value: Fraction) -> str:
    """Format a number for messages, with up to 6 digits."""
    return f"{float(value):g}"


def short(value: float) -> str:
    """Format a number for the text, with up to 6 digits, and whole thousands in full with commas."""
    return f"{value:,.0f}" if value >= 1000 and value == round(value) else f"{value:.6g}"
