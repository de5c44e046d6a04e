"""Batch norm with statistics of the whole batch, although each rank holds only part of it.

torch's SyncBatchNorm gives the same outputs and gradients, but only on a GPU.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from gengap.training.ranks import Ranks


class Whole:
    """Switch: whether batch norm covers the whole batch or, as in a dry run, only its own input."""

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks
        self.active = False


class _Synchronized(_BatchNorm):
    whole: Whole
    normalized: Callable[[Tensor], Tensor]  # not compiled, because it communicates with other ranks

    def forward(self, input: Tensor) -> Tensor:
        """Normalize this rank's part of a batch, keeping its shape, dtype and memory format."""
        if not self.training or not self.whole.active:
            plain: Tensor = super().forward(input)
            return plain
        self._check_input_dim(input)  # type: ignore[no-untyped-call]
        return self.normalized(input)

    def of_whole_batch(self, x: Tensor) -> Tensor:
        """Normalize with the statistics of the whole batch, and update the running statistics."""
        y: Tensor
        y, mean, variance = _Normalize.apply(x, self.weight, self.bias, self.eps, self.whole.ranks)
        with torch.no_grad():
            if self.running_mean is not None and self.running_var is not None:
                assert self.num_batches_tracked is not None
                assert self.momentum is not None  # check_batch_norm rejects the rest
                self.num_batches_tracked.add_(1)
                self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
                self.running_var.lerp_(variance.to(self.running_var.dtype), self.momentum)
        return y


class SynchronizedBatchNorm1d(_Synchronized, nn.BatchNorm1d):
    """nn.BatchNorm1d over the whole batch."""


class SynchronizedBatchNorm2d(_Synchronized, nn.BatchNorm2d):
    """nn.BatchNorm2d over the whole batch."""


class SynchronizedBatchNorm3d(_Synchronized, nn.BatchNorm3d):
    """nn.BatchNorm3d over the whole batch."""


SYNCHRONIZED: dict[type[nn.Module], type[_Synchronized]] = {
    nn.BatchNorm1d: SynchronizedBatchNorm1d,
    nn.BatchNorm2d: SynchronizedBatchNorm2d,
    nn.BatchNorm3d: SynchronizedBatchNorm3d,
}


def synchronize(model: nn.Module, whole: Whole) -> None:
    """Make every BatchNorm1d, 2d and 3d of a model normalize over the whole batch, in place."""
    for module in model.modules():
        if type(module) in SYNCHRONIZED:
            module.__class__ = SYNCHRONIZED[type(module)]
            assert isinstance(module, _Synchronized)
            module.whole = whole
            # Not a decorator: importing the compiler takes seconds, which a single process need not spend
            module.normalized = torch.compiler.disable(module.of_whole_batch)


class _Normalize(torch.autograd.Function):
    """Statistics use float32 or wider; count, mean and sum of squares are combined by Chan's method."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, ranks: Ranks
    ) -> tuple[Tensor, Tensor, Tensor]:
        values = x.to(torch.promote_types(x.dtype, torch.float32))
        channels, dims = x.shape[1], [d for d in range(x.dim()) if d != 1]
        count = x.numel() // channels
        mean = values.sum(dims) / max(count, 1)
        squares = (values - _per_channel(mean, x)).square().sum(dims)
        found = ranks.gather(torch.cat([mean, squares, mean.new_tensor([count])]))
        means, within, counts = found.split([channels, channels, 1], 1)
        total = counts.sum()
        mean = (counts * means).sum(0) / total
        squares = (within + counts * (means - mean).square()).sum(0)
        scale = torch.rsqrt(squares / total + eps)
        normalized = (values - _per_channel(mean, x)) * _per_channel(scale, x)
        ctx.save_for_backward(normalized, scale, total, weight)
        ctx.ranks, ctx.has_bias = ranks, bias is not None
        y = normalized if weight is None else normalized * _per_channel(weight, x)
        y = y if bias is None else y + _per_channel(bias, x)
        unbiased = squares / (total - 1)
        ctx.mark_non_differentiable(mean, unbiased)
        return y.to(x.dtype), mean, unbiased

    @staticmethod
    def backward(ctx: Any, slope: Tensor, *unused: Tensor) -> tuple[Tensor | None, ...]:
        normalized, scale, total, weight = ctx.saved_tensors
        dims = [d for d in range(slope.dim()) if d != 1]
        slopes = slope.to(normalized.dtype)
        of_bias, of_weight = slopes.sum(dims), (slopes * normalized).sum(dims)
        sums = torch.cat([of_bias, of_weight])
        ctx.ranks.sum_(sums)
        mean, along = (_per_channel(part, slope) for part in (sums / total).chunk(2))
        of_input = _per_channel(scale, slope) * (slopes - mean - normalized * along)
        if weight is not None:
            of_input = of_input * _per_channel(weight, slope)
        return (
            of_input.to(slope.dtype),
            None if weight is None else of_weight.to(weight.dtype),
            of_bias if ctx.has_bias else None,
            None,
            None,
        )


def _per_channel(values: Tensor, like: Tensor) -> Tensor:
    return values.view([-1] + [1] * (like.dim() - 2))
