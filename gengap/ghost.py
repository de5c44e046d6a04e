"""Ghost batch norm (Hoffer, Hubara & Soudry 2017, Algorithm 1) in place of torch's batch norm.

In training, a batch is cut into ghost batches X^1 ... X^n of `ghost_size` consecutive samples, and each is
normalized by its own statistics, as a small batch would be. Per channel:

    mu^l = mean(X^l)        var^l = mean((X^l - mu^l)^2)
    Y^l = gamma (X^l - mu^l) / sqrt(var^l + eps) + beta        with the same gamma and beta for all l

Outputs, gradients and running statistics equal those of ordinary batch norm called on X^1, X^2, ... in turn:

    mu_run <- (1 - eta)^n mu_run + sum over l of eta (1 - eta)^(n - l) mu^l        with eta = momentum

and likewise for the variance, from unbiased var^l as in torch. Algorithm 1 prints other weights,
(1 - eta)^|B_S| for mu_run and eta (1 - eta)^l for mu^l. They don't sum to one (but to 0.87 for eta = 0.1,
n = 32, |B_S| = 128), so every update would pull the running statistics towards zero. The authors' released
code runs the network on one ghost batch after another, which gives the average above.

In evaluation, ghost batch norm is ordinary batch norm. In any project, use GhostBatchNorm1d/2d in place of
BatchNorm1d/2d, or convert() a network.
"""

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class _GhostBatchNorm(nn.Module):
    """What GhostBatchNorm1d and GhostBatchNorm2d add to the batch norm that they inherit from as well."""

    if TYPE_CHECKING:  # attributes of batch norm; the first two are None without affine
        weight: nn.Parameter
        bias: nn.Parameter
        running_mean: Tensor | None
        running_var: Tensor | None
        num_batches_tracked: Tensor | None
        eps: float
        momentum: float | None
        track_running_stats: bool
    _input_dims: ClassVar[tuple[int, ...]]

    def __init__(
        self,
        num_features: int,
        ghost_size: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        _check_ghost_size(ghost_size)
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device=device, dtype=dtype)
        self.ghost_size = ghost_size

    def forward(self, input: Tensor) -> Tensor:
        """Normalize a batch; shape, dtype and memory format stay. Raises as the class says."""
        if not self.training or len(input) <= self.ghost_size:
            normalized: Tensor = super().forward(input)
            return normalized
        if input.dim() not in self._input_dims:
            expected = " or ".join(f"{d}D" for d in self._input_dims)
            raise ValueError(f"expected {expected} input (got {input.dim()}D input)")
        if len(input) % self.ghost_size:
            raise ValueError(
                f"a batch of {len(input)} can't be split into ghosts of {self.ghost_size}: "
                "use a multiple of ghost_size"
            )
        ghosts = len(input) // self.ghost_size
        # Uncompiled, one fused batch norm is fastest; a compiler fuses plain operations but not that one
        forward = self._forward_traced if torch.compiler.is_compiling() else self._forward_folded
        return forward(input, ghosts)

    def _forward_traced(self, x: Tensor, ghosts: int) -> Tensor:
        """The definition in plain operations, with statistics in float32 or better."""
        samples = x.unflatten(0, (ghosts, -1)).to(torch.promote_types(x.dtype, torch.float32))
        reduced = [d for d in range(samples.dim()) if d not in (0, 2)]
        per_channel = [-1] + [1] * (x.dim() - 2)
        variance, mean = torch.var_mean(samples, dim=reduced, correction=0, keepdim=True)
        y = (samples - mean) * torch.rsqrt(variance + self.eps)
        if self.weight is not None:
            y = y * self.weight.view(per_channel)
        if self.bias is not None:
            y = y + self.bias.view(per_channel)
        count = samples.numel() // mean.numel()
        if count == 1:
            raise ValueError("expected more than 1 value per channel in every ghost batch when training")
        if self.track_running_stats and self.running_mean is not None:
            unbiased = variance.detach().flatten(1) * (count / (count - 1))
            self._update_running_statistics(mean.detach().flatten(1), unbiased)
        normalized: Tensor = y.flatten(0, 1).to(x.dtype)
        return normalized

    def _forward_folded(self, x: Tensor, ghosts: int) -> Tensor:
        """One batch norm of (ghost_size, ghosts * C, ...): every ghost batch has channels of its own."""
        channels = x.shape[1]
        running = self.running_mean if self.track_running_stats else None
        mean = None if running is None else running.new_zeros(ghosts * channels)
        variance = None if mean is None else torch.ones_like(mean)
        folded = F.batch_norm(
            x.unflatten(0, (ghosts, -1)).transpose(0, 1).flatten(1, 2),
            mean,
            variance,
            None if self.weight is None else self.weight.repeat(ghosts),
            None if self.bias is None else self.bias.repeat(ghosts),
            training=True,
            momentum=1.0,  # makes mean and (unbiased) variance those of this batch
            eps=self.eps,
        )
        if mean is not None and variance is not None:
            self._update_running_statistics(mean.view(ghosts, channels), variance.view(ghosts, channels))
        y: Tensor = folded.unflatten(1, (ghosts, channels)).transpose(0, 1).flatten(0, 1)
        channels_last = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
        return y.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)

    @torch.no_grad()
    def _update_running_statistics(self, means: Tensor, variances: Tensor) -> None:
        """Average statistics (ghosts, C) of the ghost batches, first one first, into the running ones."""
        assert self.num_batches_tracked is not None
        ghosts = len(means)
        keep: Tensor | float
        if self.momentum is None:  # cumulative average: every ghost batch ever seen weighs the same
            seen = self.num_batches_tracked.to(means.dtype)
            keep, weights = seen / (seen + ghosts), torch.ones_like(means[:, 0]) / (seen + ghosts)
        else:
            ages = torch.arange(ghosts - 1, -1, -1, dtype=means.dtype, device=means.device)
            keep, weights = (1 - self.momentum) ** ghosts, self.momentum * (1 - self.momentum) ** ages
        for running, values in ((self.running_mean, means), (self.running_var, variances)):
            assert running is not None
            # weights @ values; in place, because autocast would round the product to bfloat16
            average = torch.empty_like(running).addmv_(values.T, weights, beta=0)
            running.mul_(keep).add_(average)
        self.num_batches_tracked.add_(ghosts)

    def extra_repr(self) -> str:
        """The arguments of batch norm, and the ghost size."""
        return f"{super().extra_repr()}, ghost_size={self.ghost_size}"


class GhostBatchNorm1d(_GhostBatchNorm, nn.BatchNorm1d):
    """Ghost batch norm of (B, C) or (B, C, L): torch.nn.BatchNorm1d with `ghost_size` as second argument.

    It is a torch.nn.BatchNorm1d with the same state_dict, in which num_batches_tracked counts ghost batches.
    A training batch of at most `ghost_size` samples is one ghost batch. A larger one must be a multiple of
    `ghost_size`, because a smaller last ghost batch would have noisier statistics and none is dropped
    silently: give a DataLoader drop_last=True. Ghost batches are cut in the batch's order, so shuffle.

    Args:
        num_features: number of channels C.
        ghost_size: samples per ghost batch, the paper's |B_S|.
        eps, momentum, affine, track_running_stats, device, dtype: as in torch.nn.BatchNorm1d.

    Raises:
        ValueError: ghost_size below 1. In forward: an input of other dimensions; in training, a batch larger
            than `ghost_size` that is not a multiple of it, or ghost batches of a single value per channel.
    """

    _input_dims = (2, 3)


class GhostBatchNorm2d(_GhostBatchNorm, nn.BatchNorm2d):
    """Ghost batch norm of (B, C, H, W): a torch.nn.BatchNorm2d, otherwise as GhostBatchNorm1d."""

    _input_dims = (4,)


_GHOST_OF: dict[type[nn.Module], type[_GhostBatchNorm]] = {
    nn.BatchNorm1d: GhostBatchNorm1d,
    nn.BatchNorm2d: GhostBatchNorm2d,
}


def convert(model: nn.Module, ghost_size: int) -> nn.Module:
    """Turn every BatchNorm1d and BatchNorm2d of a model into ghost batch norm, in place; return the model.

    Parameters, running statistics, hooks, training mode and all references to the layers stay; ghost batch
    norm gets the new ghost size. A model that is itself a batch norm is turned too. Other batch norms stay as
    they are: BatchNorm3d, SyncBatchNorm, subclasses, and lazy ones that have not seen a batch.

    Args:
        ghost_size: samples per ghost batch, the paper's |B_S|; GhostBatchNorm1d says which batches fit.

    Raises:
        ValueError: ghost_size below 1; the model is unchanged.
    """
    _check_ghost_size(ghost_size)
    for module in model.modules():
        if type(module) in _GHOST_OF:
            module.__class__ = _GHOST_OF[type(module)]  # the same object, so references to it stay valid
        if isinstance(module, _GhostBatchNorm):
            module.ghost_size = ghost_size
    return model


def _check_ghost_size(ghost_size: int) -> None:
    if ghost_size < 1:
        raise ValueError(f"ghost_size must be at least 1, not {ghost_size}")
