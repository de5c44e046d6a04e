"""JSON exactly as gengap writes it: RFC 8259 minus anything that parsers may treat differently."""

import json
import math
from collections.abc import Sequence
from typing import Any

LEVELS = 32  # limit on the nesting of objects and lists, more than any record needs
_INT64 = 2**63


def parse(data: bytes) -> Any:
    """Parse JSON from UTF-8 bytes.

    Raises:
        ValueError: it is not valid JSON, contains NaN, an infinity, an integer beyond 64 bits, a duplicate
            key or half a surrogate pair, or is nested more than LEVELS deep.
    """
    try:
        value = json.loads(
            data.decode(),
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    _check(value, LEVELS)
    return value


def written(value: Any, indent: int | None = None) -> str:
    """Format a value as JSON, without a trailing newline and without escaping non-ASCII letters.

    Raises:
        ValueError: it contains a number that is NaN or infinite.
    """
    return json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)


def _integer(text: str) -> int:
    if len(text) > 20 or not -_INT64 <= int(text) < _INT64:
        raise ValueError("an integer beyond 64 bits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number too large")
    return value


def _constant(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands in it twice")
    return found


def _check(value: Any, levels: int) -> None:
    """Reject values nested deeper than `levels`, and text that can't be encoded."""
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError("half a surrogate pair")
    elif isinstance(value, dict | list):
        if not levels:
            raise ValueError("nested too deeply")
        for part in (*value, *value.values()) if isinstance(value, dict) else value:
            _check(part, levels - 1)
