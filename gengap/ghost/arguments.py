"""Argument checks shared by the layers, convert() and revert()."""

import operator
from typing import Literal, get_args

from torch import Tensor, nn

from .tracing import is_scripting, is_tracing

Partial = Literal["error", "chunks"]


def checked(ghost_size: int, partial: Partial) -> tuple[int, Partial]:
    """Validate both arguments; return ghost_size as a plain int (NumPy integers are accepted) and `partial`.

    Raises:
        TypeError: ghost_size is not an integer.
        ValueError: ghost_size is below 1, or `partial` is unknown.
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


def check_batch(x: Tensor, num_features: int, ghost_size: int) -> None:
    """Check a training batch (B, C, ...) before it is split into ghost batches.

    torch's own checks would count every channel once per ghost batch.

    Raises:
        ValueError: C is not num_features, or a ghost batch has a single value per channel.
    """
    if not is_scripting():  # noqa: SIM102  # nested, so that torch.jit.script skips the next line
        if is_tracing():  # sizes are tensors while tracing
            return
    if x.shape[1] != num_features:
        raise ValueError(
            f"expected {num_features} channels, got {x.shape[1]}: an input of shape {list(x.shape)}"
        )
    if ghost_size == 1 and x.numel() == x.shape[0] * num_features:
        raise ValueError(
            "expected more than 1 value per channel when training, but ghost_size=1 leaves 1: "
            "choose a larger ghost_size"
        )


def not_a_multiple(batch: int, ghost_size: int) -> str:
    """Error message for a batch that doesn't split evenly into ghost batches, with the two ways to fix it."""
    return (
        f"a batch of {batch} is not a multiple of ghost_size={ghost_size}: leave the last one out with "
        "DataLoader(drop_last=True), or cut it into smaller ghost batches with partial='chunks' "
        "(an argument of the layers and of convert)"
    )


def checked_model(model: nn.Module) -> nn.Module:
    """Return the model if it is a module.

    Raises:
        TypeError: it is something else, such as a function that builds a model, or a state_dict.
    """
    if isinstance(model, nn.Module):
        return model
    way_out = ": call it, and pass what it returns" if callable(model) else ""
    raise TypeError(f"model must be a torch.nn.Module, not of type {type(model).__name__}{way_out}")
