"""Undo an update that could not be finished because a rank was lost in the middle of it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def undoing(tensors: Iterable[Tensor]) -> Iterator[None]:
    """Restore the tensors' values if an error ends the block."""
    before = [(tensor, tensor.clone()) for tensor in tensors]
    try:
        yield
    except Exception:
        with torch.no_grad():
            for tensor, value in before:
                tensor.copy_(value)
        raise
