"""What the layers, convert() and revert() may be given."""

import operator
from typing import Literal, get_args

from torch import Tensor, nn

Partial = Literal["error", "chunks"]


def checked(ghost_size: int, partial: Partial) -> tuple[int, Partial]:
    """The ghost size as an int, which may be one of NumPy's, and `partial`.

    Raises:
        TypeError: ghost_size is not an integer.
        ValueError: ghost_size is below 1, or `partial` unknown.
    """
    try:
        if isinstance(ghost_size, bool | Tensor):
            raise TypeError
        size = operator.index(ghost_size)
    except TypeError:
        raise TypeError(f"ghost_size must be an integer, not {ghost_size!r}") from None
    if size < 1:
        raise ValueError(f"ghost_size must be at least 1, not {size}")
    if partial not in get_args(Partial):
        raise ValueError(f"partial must be 'error' or 'chunks', not {partial!r}")
    return size, partial


def checked_model(model: nn.Module) -> nn.Module:
    """The model.

    Raises:
        TypeError: it is something else, such as a function that makes a model, or a state_dict.
    """
    if isinstance(model, nn.Module):
        return model
    way_out = ": call it, and pass what it returns" if callable(model) else ""
    raise TypeError(f"model must be a torch.nn.Module, not of type {type(model).__name__}{way_out}")
