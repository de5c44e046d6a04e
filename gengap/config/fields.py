"""Fields of the schema: their explanation, default and range."""

from collections.abc import Callable
from dataclasses import field
from typing import Any

from omegaconf import MISSING

from gengap.config.ranges import Range

# More than any machine or recipe needs; also keeps every product below 64 bits
SAMPLES = Range(1, 10**9)
ANY_SAMPLES = Range(0, 10**9)
PIXELS = Range(1, 16384)
EPOCHS = Range(0, 10**6)
POSITIVE_EPOCHS = Range(0, 10**6, low_open=True)
FACTOR = Range(0, 10**6, low_open=True)
NUMBER = Range(0, 1e38)  # fits in float32
POSITIVE = Range(0, 1e38, low_open=True)
MOMENTUM = Range(0, 1, high_open=True)
TIME = Range(0, 10**9)


def key(explanation: str, default: Any = MISSING, *, within: Range | None = None, path: bool = False) -> Any:
    """Define a field of the schema; without a default, it must be set in conf/ or on the command line.

    Args:
        explanation: text for `gengap train --help`.
        default: default value, or a factory for mutable ones.
        within: range of a number, or of every number in a list; null is allowed if the type allows it.
        path: whether the text is a path, which is taken literally.
    """
    metadata: dict[str, Any] = {"help": explanation}
    metadata |= {"range": within} if within else {}
    metadata |= {"path": True} if path else {}
    if isinstance(default, Callable):  # type: ignore[arg-type]
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)
