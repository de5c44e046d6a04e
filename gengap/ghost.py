"""Ghost batch norm (Algorithm 1): every ghost of a large batch is normalised by its own mean and variance.

Usable in any project: replace a layer by GhostBatchNorm1d/2d, or a network's layers by convert().
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class _GhostBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm over disjoint ghosts of `ghost_size` consecutive samples.

    In training it equals a loop of ordinary batch norm over the ghosts: outputs, gradients and running
    statistics, which follow the sequential moving average
    mu <- (1 - eta)^n mu + sum_l eta (1 - eta)^(n - l) mu_l. (As printed, Algorithm 1's weights don't sum to
    one: its exponent must be the number of ghosts n.) In evaluation it is ordinary batch norm. A batch no
    larger than `ghost_size` is one ghost. Its state_dict is that of ordinary batch norm.

    Args:
        num_features: channels C of the input (B, C) or (B, C, ...).
        ghost_size: samples a ghost, the paper's |B_S|.
        eps, momentum, affine, track_running_stats, device, dtype: as in torch.nn.BatchNorm.

    Raises:
        ValueError: in training, a batch larger than `ghost_size` that is no multiple of it.
    """

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
        if ghost_size < 1:
            raise ValueError(f"ghost_size must be at least 1, not {ghost_size}")
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device=device, dtype=dtype)
        self.ghost_size = ghost_size

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (B, C) or (B, C, ...); the same shape and memory format come back."""
        if not self.training or len(input) <= self.ghost_size:
            return super().forward(input)
        self._check_input_dim(input)  # type: ignore[no-untyped-call]
        if len(input) % self.ghost_size:
            raise ValueError(
                f"a batch of {len(input)} can't be split into ghosts of {self.ghost_size}: "
                "use a multiple of ghost_size"
            )
        ghosts = len(input) // self.ghost_size
        # A compiler fuses plain operations, and can't see into the one that is fastest without it
        return self._traced(input, ghosts) if torch.compiler.is_compiling() else self._folded(input, ghosts)

    def _traced(self, x: Tensor, ghosts: int) -> Tensor:
        """The definition: mean and biased variance of every ghost and channel, at least in float32."""
        samples = x.unflatten(0, (ghosts, -1)).to(torch.promote_types(x.dtype, torch.float32))
        over = [d for d in range(samples.dim()) if d not in (0, 2)]
        per_channel = [-1] + [1] * (x.dim() - 2)
        variance, mean = torch.var_mean(samples, dim=over, correction=0, keepdim=True)
        y = (samples - mean) * torch.rsqrt(variance + self.eps)
        if self.weight is not None:
            y = y * self.weight.view(per_channel)
        if self.bias is not None:
            y = y + self.bias.view(per_channel)
        if self.track_running_stats:
            count = samples.numel() // mean.numel()
            if count == 1:
                raise ValueError("batch norm can't train on ghosts of a single value a channel")
            unbiased = variance.detach().flatten(1) * (count / (count - 1))
            self._track(mean.detach().flatten(1), unbiased)
        normalised: Tensor = y.flatten(0, 1).to(x.dtype)
        return normalised

    def _folded(self, x: Tensor, ghosts: int) -> Tensor:
        """One batch norm over (ghost_size, ghosts * C, ...): every ghost has channels of its own."""
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
            momentum=1.0,  # so that mean and variance (unbiased) are this batch's own
            eps=self.eps,
        )
        if mean is not None and variance is not None:
            self._track(mean.view(ghosts, channels), variance.view(ghosts, channels))
        y: Tensor = folded.unflatten(1, (ghosts, channels)).transpose(0, 1).flatten(0, 1)
        return y.contiguous(memory_format=_memory_format(x))

    @torch.no_grad()
    def _track(self, means: Tensor, variances: Tensor) -> None:
        """Fold the ghosts' statistics (ghosts, C) into the running ones, first ghost first."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        ghosts = len(means)
        keep: Tensor | float
        if self.momentum is None:  # cumulative average: every ghost ever seen weighs the same
            old = self.num_batches_tracked.to(means.dtype)
            keep, weights = old / (old + ghosts), torch.ones_like(means[:, 0]) / (old + ghosts)
        else:
            ages = torch.arange(ghosts - 1, -1, -1, dtype=means.dtype, device=means.device)
            keep, weights = (1 - self.momentum) ** ghosts, self.momentum * (1 - self.momentum) ** ages
        for running, values in ((self.running_mean, means), (self.running_var, variances)):
            # weights @ values; in place, because autocast would round that one to bfloat16
            average = torch.empty_like(running).addmv_(values.T, weights, beta=0)
            running.mul_(keep).add_(average)
        self.num_batches_tracked.add_(ghosts)

    def extra_repr(self) -> str:
        """Ordinary batch norm's, and the ghost size."""
        return f"{super().extra_repr()}, ghost_size={self.ghost_size}"  # type: ignore[no-untyped-call]


class GhostBatchNorm1d(_GhostBatchNorm, nn.BatchNorm1d):
    """Ghost batch norm of (B, C) or (B, C, L): torch.nn.BatchNorm1d with `ghost_size` as its second argument.

    Raises ValueError for a training batch larger than `ghost_size` that is no multiple of it.
    """


class GhostBatchNorm2d(_GhostBatchNorm, nn.BatchNorm2d):
    """Ghost batch norm of (B, C, H, W): torch.nn.BatchNorm2d with `ghost_size` as its second argument.

    Raises ValueError for a training batch larger than `ghost_size` that is no multiple of it.
    """


def _memory_format(x: Tensor) -> torch.memory_format:
    channels_last = (
        x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
    )
    return torch.channels_last if channels_last else torch.contiguous_format


def convert(model: nn.Module, ghost_size: int) -> nn.Module:
    """Turn every BatchNorm1d and BatchNorm2d of `model` into ghost batch norm, in place, and return it.

    Weights, running statistics, hooks and training mode stay; a ghost batch norm gets the new ghost size.
    A model that is itself a batch norm is turned too. Other batch norms stay as they are: BatchNorm3d,
    SyncBatchNorm, subclasses, and lazy ones that have not yet seen a batch.

    Raises:
        ValueError: ghost_size below 1.
    """
    if ghost_size < 1:
        raise ValueError(f"ghost_size must be at least 1, not {ghost_size}")
    for module in model.modules():
        if type(module) in _GHOST_OF:
            # The same object with another class: references, hooks and optimizers keep pointing at it.
            module.__class__ = _GHOST_OF[type(module)]
        if isinstance(module, _GhostBatchNorm):
            module.ghost_size = ghost_size
    return model


_GHOST_OF: dict[type[nn.Module], type[nn.Module]] = {
    nn.BatchNorm1d: GhostBatchNorm1d,
    nn.BatchNorm2d: GhostBatchNorm2d,
}
