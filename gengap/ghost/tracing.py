"""Shape handling in networks that are scripted, traced, compiled or exported."""

from collections.abc import Callable

import torch
from torch import Tensor

# Public API, but missing from torch's declared exports
is_scripting = torch.jit.is_scripting  # type: ignore[attr-defined]
is_tracing: Callable[[], bool] = torch.jit.is_tracing  # type: ignore[attr-defined]


def length(x: Tensor) -> int:
    """Number of samples in a batch; symbolic when compiled with a dynamic batch size."""
    if not is_scripting() and torch.compiler.is_compiling():
        return x.shape[0]
    return len(x)  # under jit.trace, x.shape[0] would be a tensor


def with_shape_of(x: Tensor, y: Tensor) -> Tensor:
    """Return y, which has the shape of x, with its batch dimension expressed exactly as that of x.

    y was split into ghosts, so with a dynamic batch size the compiler expresses its length as a product of
    floor divisions of x's. Each further layer would nest these, and after a few, compiling never finishes.
    """
    if not is_scripting():
        return _expanded(x, y)
    return y


def _expanded(x: Tensor, y: Tensor) -> Tensor:
    if not torch.compiler.is_compiling():
        return y
    from torch.fx.experimental.symbolic_shapes import has_static_value  # slow, but loaded while compiling

    return y if has_static_value(x.shape[0]) else y.expand_as(x)
