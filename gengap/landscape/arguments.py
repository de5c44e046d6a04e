"""Checks of arguments passed to measurements in Python; settings typed by the user are checked earlier."""

from math import isfinite
from numbers import Integral, Real
from typing import Any

from gengap.landscape.subspace import Subspace


def check_positive(name: str, value: Any) -> None:
    """Check that a value is a positive number.

    Raises:
        TypeError: it is not a number.
        ValueError: it is not finite, or not above 0.
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number above 0, such as 1e-3, not {value!r}")
    if not (isfinite(value) and float(value) > 0):
        raise ValueError(f"{name}={value} must be a finite number above 0")


def check_whole(name: str, value: Any, least: int) -> None:
    """Check that a value is an integer of at least `least`.

    Raises:
        TypeError: it is not an integer.
        ValueError: it is below `least`.
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number of at least {least}, not {value!r}")
    if value < least:
        raise ValueError(f"{name}={value} must be at least {least}")


def check_subspace(subspace: Any, size: int) -> None:
    """Check that a value is a subspace of `size` weights, or None.

    Raises:
        TypeError: it is something else, such as a dimension.
        ValueError: it is a subspace of a different number of weights.
    """
    if subspace is None:
        return
    if not isinstance(subspace, Subspace):
        raise TypeError(
            f"subspace must be None or a Subspace, not {subspace!r}: pass "
            "gengap.landscape.subspace.Subspace(surface.size, dimension, seed)"
        )
    if subspace.size != size:
        raise ValueError(
            f"subspace is one of {subspace.size:,} weights, the network has {size:,}: pass "
            "Subspace(surface.size, dimension, seed)"
        )
