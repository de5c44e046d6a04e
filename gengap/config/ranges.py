"""Ranges of numeric keys: declared in the schema, shown by --help, and checked here for all keys."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from math import isfinite
from typing import Any

from gengap.errors import UserError

SHOWN = 40  # most characters of a value shown in a message
_EXACT = 2**53  # integers below this are exact as floats


@dataclass(frozen=True)
class Range:
    """The numbers from `low` to `high`, including each end unless it is open."""

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, value: float) -> bool:
        above = self.low < value if self.low_open else self.low <= value
        below = value < self.high if self.high_open else value <= self.high
        return above and below

    def __str__(self) -> str:
        """Format as an interval: (0, 1] contains 1 but not 0."""
        return f"{'(' if self.low_open else '['}{self.low}, {self.high}{')' if self.high_open else ']'}"

    def words(self) -> str:
        """Format the range in words that can follow "a number"."""
        if not (self.low_open or self.high_open):
            return f"from {self.low} to {self.high}"
        low = f"above {self.low}" if self.low_open else f"of at least {self.low}"
        return f"{low} and {f'below {self.high}' if self.high_open else f'at most {self.high}'}"


def check_number(key: str, value: Any, range_: Range, *, whole: bool) -> None:
    """Check one number.

    Args:
        key: key of the number, for the error message.
        value: value to check.
        range_: range the number must be in.
        whole: whether it must be an int.

    Raises:
        UserError: the value has the wrong type or is outside the range.
    """
    fits = type(value) is int if whole else isinstance(value, int | float) and not isinstance(value, bool)
    if fits and value in range_:
        return
    kind = "a whole number" if whole else "a finite number"
    raise UserError(f"{key}={shown(value)} must be {kind} {range_.words()}")


def check_ranges(config: Any) -> None:
    """Check every number in a configuration against the range declared in the schema.

    Raises:
        UserError: a number is outside its range; the first one is reported.
    """
    for key, value, range_ in _ranged(config, ""):
        if isinstance(value, list):
            if not all(isfinite(number) and number in range_ for number in value):
                raise UserError(f"{key}={shown(value)} must hold finite numbers {range_.words()}")
        elif value is not None:
            # Only integer keys hold an int: composition has converted every value to its type
            check_number(key, value, range_, whole=isinstance(value, int))


def _ranged(node: Any, prefix: str) -> Iterator[tuple[str, Any, Range]]:
    for field in fields(node):
        value = getattr(node, field.name)
        if is_dataclass(value):
            yield from _ranged(value, f"{prefix}{field.name}.")
        elif "range" in field.metadata:
            yield prefix + field.name, value, field.metadata["range"]


def without_decimals(value: Any) -> Any:
    """Convert a whole float to an int, as one would type it; return anything else unchanged."""
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < _EXACT
    return int(value) if is_whole else value


def shown(value: Any) -> str:
    """Format a value for a message as typed, shortened because integers may have thousands of digits."""
    text = str(without_decimals(value))
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
