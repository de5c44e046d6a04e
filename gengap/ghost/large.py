"""Normalizing ghost batches one after another, which is faster on CPUs when they are large."""

import torch
from torch import Tensor
from torch.nn import functional as F

from .tracing import is_tracing

LARGE = 2**15  # values per ghost batch; below this, call overhead outweighs the gain on CPUs


def is_large_on_cpu(x: Tensor, ghosts: int) -> bool:
    """Whether each_ghost is faster than one batch norm of all ghosts; always False while tracing."""
    return x.device.type == "cpu" and not is_tracing() and x.numel() >= ghosts * LARGE


def each_ghost(
    x: Tensor, ghosts: int, weight: Tensor | None, bias: Tensor | None, eps: float, running: Tensor | None
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Apply batch norm to one ghost batch at a time: no copy up front, and a ghost may fit in the cache.

    Args:
        x: training batch (B, C, ...), with B a multiple of `ghosts`.
        ghosts: number of ghost batches.
        weight, bias: scale and shift per channel (C,), or None.
        eps: added to the variance.
        running: running mean (C,), read for its dtype and device only; None to skip the statistics.

    Returns:
        The normalized batch, and the ghosts' means and unbiased variances, each (ghosts, C) or None.
    """
    means = None if running is None else running.new_zeros(ghosts, x.shape[1])
    variances = None if means is None else torch.ones_like(means)
    # Expanding the parameters to one row per ghost sums their gradients in one go, as _forward_folded does
    rows = (
        (None,) * ghosts if t is None else t.expand(ghosts, -1).unbind()
        for t in (means, variances, weight, bias)
    )
    y = [
        F.batch_norm(ghost, mean, variance, w, b, training=True, momentum=1.0, eps=eps)
        for ghost, mean, variance, w, b in zip(x.chunk(ghosts), *rows, strict=True)
    ]
    return torch.cat(y), means, variances
