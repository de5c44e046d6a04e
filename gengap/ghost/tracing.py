"""Shapes in networks that are scripted, traced, compiled or exported."""

from collections.abc import Callable

import torch
from torch import Tensor

# Public, but not declared so
is_scripting = torch.jit.is_scripting  # type: ignore[attr-defined]
is_tracing: Callable[[], bool] = torch.jit.is_tracing  # type: ignore[attr-defined]


def length(x: Tensor) -> int:
    """Number of samples; a symbol where a compiler traces any number of them."""
    if not is_scripting() and torch.compiler.is_compiling():
        return x.shape[0]
    return len(x)  # because in jit.trace the numbers of a shape are tensors


def with_shape_of(x: Tensor, y: Tensor) -> Tensor:
    """y, whose shape equals x's, with the number of samples written as it is in x.

    y was cut into ghosts, so a compiler that traces any number of samples writes y's as a product of
    rounded-down quotients of x's. The next layer would nest them, and a few layers never finish compiling.
    """
    if not is_scripting():
        return _expanded(x, y)
    return y


def _expanded(x: Tensor, y: Tensor) -> Tensor:
    if not torch.compiler.is_compiling():
        return y
    from torch.fx.experimental.symbolic_shapes import has_static_value  # slow, but loaded while compiling

    return y if has_static_value(x.shape[0]) else y.expand_as(x)
