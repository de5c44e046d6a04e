"""Copy tensors from a checkpoint into those of a run, if they fit."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


def copy_saved_(pairs: Iterable[tuple[Tensor, Any]]) -> None:
    """Copy into each tensor its saved value.

    Raises:
        TypeError: a saved value is not a tensor of the same shape and layout and a compatible dtype.
    """
    for tensor, saved in pairs:
        if not _is_like(saved, tensor):
            found = tuple(saved.shape) if isinstance(saved, Tensor) else type(saved).__name__
            raise TypeError(f"{found} where a tensor {tuple(tensor.shape)} belongs")
        tensor.copy_(saved)


def _is_like(saved: Any, tensor: Tensor) -> bool:
    """Whether copying is exact; copy_ would broadcast a single element, and truncate 0.5 to an integer."""
    return (
        isinstance(saved, Tensor)
        and (saved.shape, saved.layout) == (tensor.shape, tensor.layout)
        and torch.can_cast(saved.dtype, tensor.dtype)
    )
