"""Ghost batches that are large enough to be normalized one after another."""

import torch
from torch import Tensor
from torch.nn import functional as F

from .tracing import is_tracing

LARGE = 2**15  # values in a ghost batch; on CPUs, the calls take longer for smaller ones


def is_large_on_cpu(x: Tensor, ghosts: int) -> bool:
    """Whether each_ghost is faster than one batch norm of all ghosts; not while a graph is recorded."""
    return x.device.type == "cpu" and not is_tracing() and x.numel() >= ghosts * LARGE


def each_ghost(
    x: Tensor, ghosts: int, weight: Tensor | None, bias: Tensor | None, eps: float, running: Tensor | None
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """One batch norm per ghost batch: nothing is copied before, and a ghost may stay in the cache.

    Args:
        x: (B, C, ...), with B a multiple of `ghosts`.
        ghosts: how many.
        weight, bias: (C,).
        eps: added to the variance.
        running: (C,); None if the statistics are not wanted.

    Returns:
        x normalized; the ghosts' means and unbiased variances (ghosts, C).
    """
    means = None if running is None else running.new_zeros(ghosts, x.shape[1])
    variances = None if means is None else torch.ones_like(means)
    # The parameters have a row per ghost too, so that their gradients are summed as with all ghosts at once
    rows = (
        (None,) * ghosts if t is None else t.expand(ghosts, -1).unbind()
        for t in (means, variances, weight, bias)
    )
    y = [
        F.batch_norm(ghost, mean, variance, w, b, training=True, momentum=1.0, eps=eps)
        for ghost, mean, variance, w, b in zip(x.chunk(ghosts), *rows, strict=True)
    ]
    return torch.cat(y), means, variances
