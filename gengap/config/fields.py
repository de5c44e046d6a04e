"""A field of the schema: its explanation, its default and its range."""

from collections.abc import Callable
from dataclasses import field
from typing import Any

from omegaconf import MISSING

from gengap.config.ranges import Range

# What no machine and no recipe needs more of; also keeps every product below 64 bits
SAMPLES = Range(1, 10**9)
ANY_SAMPLES = Range(0, 10**9)
PIXELS = Range(1, 16384)
EPOCHS = Range(0, 10**6)
POSITIVE_EPOCHS = Range(0, 10**6, low_open=True)
FACTOR = Range(0, 10**6, low_open=True)
NUMBER = Range(0, 1e38)  # float32 holds it
POSITIVE = Range(0, 1e38, low_open=True)
MOMENTUM = Range(0, 1, high_open=True)
TIME = Range(0, 10**9)


def key(explanation: str, default: Any = MISSING, *, within: Range | None = None, path: bool = False) -> Any:
    """A field of the schema; one without a default must be set in conf/ or on the command line.

    Args:
        explanation: for `gengap train --help`.
        default: a value, or a factory for mutable ones.
        within: the range of a number, or of every number of a list; null is allowed where the type allows it.
        path: whether the text is a path, which is taken as it is typed.
    """
    metadata: dict[str, Any] = {"help": explanation}
    metadata |= {"range": within} if within else {}
    metadata |= {"path": True} if path else {}
    if isinstance(default, Callable):  # type: ignore[arg-type]
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)
