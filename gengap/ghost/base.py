"""Base class of the ghost batch norm layers."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .arguments import Partial, check_batch, checked, not_a_multiple
from .large import each_ghost, is_large_on_cpu
from .tracing import is_scripting, length, with_shape_of


class GhostBatchNorm(nn.Module):
    """Mixin that adds ghost batches to the torch batch norm GhostBatchNorm1d, 2d and 3d also inherit from.

    torch.jit.script compiles forward and everything it calls, hence the plain control flow and simple types.
    """

    if TYPE_CHECKING:  # attributes of batch norm; weight and bias are None if affine=False
        num_features: int
        weight: nn.Parameter
        bias: nn.Parameter
        running_mean: Tensor | None
        running_var: Tensor | None
        num_batches_tracked: Tensor | None
        eps: float
        momentum: float | None
        track_running_stats: bool

        def _check_input_dim(self, input: Tensor) -> None: ...

    ghost_size: int
    partial: str = "error"  # default for layers pickled before this option existed

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
        *,
        bias: bool = True,
        partial: Partial = "error",
    ) -> None:
        arguments = checked(ghost_size, partial)
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device=device, dtype=dtype)
        if not bias:  # only newer torch versions take this argument themselves
            self.register_parameter("bias", None)
        self.set_ghosts(*arguments)

    def set_ghosts(self, ghost_size: int, partial: Partial) -> None:
        """Set the (already checked) arguments; also used by convert() after it swaps a layer's class."""
        self.ghost_size, self.partial = ghost_size, partial
        # torch.fx would trace into the module and fail; it treats modules that claim to be torch's as leaves
        self.__module__ = nn.BatchNorm1d.__module__

    def forget_ghosts(self) -> None:
        """Remove what set_ghosts sets; layers pickled by older versions may lack some of it."""
        for name in ("ghost_size", "partial", "__module__"):
            self.__dict__.pop(name, None)

    def forward(self, input: Tensor) -> Tensor:
        """Normalize a batch, keeping its shape, dtype and memory format; raises as the class documents."""
        self._check_input_dim(input)
        batch, size = length(input), self.ghost_size
        if not self.training or batch <= size:
            return self._forward_whole(input)
        check_batch(input, self.num_features, size)
        if batch % size != 0:
            if self.partial != "chunks":
                raise ValueError(not_a_multiple(batch, size))
            chunks = (batch + size - 1) // size
            size = (batch + chunks - 1) // chunks  # as in torch.chunk; the last chunk may be smaller
        ghosts = batch // size
        if ghosts * size == batch:
            return with_shape_of(input, self._forward_ghosts(input, ghosts))
        first, last = input[: ghosts * size], input[ghosts * size :]
        if last.numel() == last.shape[1]:  # fail before the other ghosts update the running statistics
            raise ValueError(
                f"expected more than 1 value per channel when training, but the last ghost batch of {batch} "
                f"in chunks of {size} has 1: leave it out with DataLoader(drop_last=True)"
            )
        y = torch.cat([self._forward_ghosts(first, ghosts), self._forward_ghosts(last, 1)])
        return with_shape_of(input, y)

    def _forward_whole(self, x: Tensor) -> Tensor:
        """Apply ordinary batch norm."""
        if not is_scripting():
            normalized: Tensor = super().forward(x)
            return normalized
        if self.training:
            return self._forward_ghosts(x, 1)
        mean, variance = self.running_mean, self.running_var
        untracked = mean is None and variance is None
        return F.batch_norm(x, mean, variance, self.weight, self.bias, untracked, eps=self.eps)

    def _forward_ghosts(self, x: Tensor, ghosts: int) -> Tensor:
        if is_scripting():  # noqa: SIM108  # torch.jit.script compiles both sides of an expression
            y = self._forward_folded(x, ghosts)
        else:
            y = self._forward_fastest(x, ghosts)
        tracked = self.num_batches_tracked
        if self.track_running_stats and tracked is not None:
            tracked.add_(ghosts)
        return y

    def _forward_fastest(self, x: Tensor, ghosts: int) -> Tensor:
        # A compiler can fuse plain operations, but not torch's batch norm, which is faster in eager mode
        if torch.compiler.is_compiling():
            return self._forward_traced(x, ghosts)
        if not is_large_on_cpu(x, ghosts):
            return self._forward_folded(x, ghosts)
        running = self.running_mean if self.track_running_stats else None
        y, means, variances = each_ghost(x, ghosts, self.weight, self.bias, self.eps, running)
        if means is not None and variances is not None:
            self._update_running_statistics(means, variances)
        return y

    def _forward_traced(self, x: Tensor, ghosts: int) -> Tensor:
        """Compute the definition in elementary operations, with statistics in float32 or wider."""
        samples = x.unflatten(0, (ghosts, -1)).to(torch.promote_types(x.dtype, torch.float32))
        reduced = [d for d in range(samples.dim()) if d not in (0, 2)]
        per_channel = [x.shape[1]] + [1] * (x.dim() - 2)
        variance, mean = torch.var_mean(samples, dim=reduced, correction=0, keepdim=True)
        count = samples.numel() // mean.numel()
        y = (samples - mean) * torch.rsqrt(variance + self.eps)
        if self.weight is not None:
            y = y * self.weight.view(per_channel)
        if self.bias is not None:
            y = y + self.bias.view(per_channel)
        if self.track_running_stats:
            unbiased = variance.detach().flatten(1) * (count / (count - 1))
            self._update_running_statistics(mean.detach().flatten(1), unbiased)
        normalized: Tensor = y.flatten(0, 1).to(x.dtype)
        return normalized

    def _forward_folded(self, x: Tensor, ghosts: int) -> Tensor:
        """Fold ghosts into channels: one batch norm of (ghost_size, ghosts * C, ...) normalizes them all."""
        channels = x.shape[1]
        mean: Tensor | None = None
        variance: Tensor | None = None
        running = self.running_mean
        if self.track_running_stats and running is not None:
            mean = running.new_zeros(ghosts * channels)
            variance = torch.ones_like(mean)
        folded = F.batch_norm(
            x.unflatten(0, (ghosts, -1)).transpose(0, 1).flatten(1, 2),
            mean,
            variance,
            None if self.weight is None else self.weight.repeat([ghosts]),
            None if self.bias is None else self.bias.repeat([ghosts]),
            training=True,
            momentum=1.0,  # overwrites mean and variance with this batch's mean and unbiased variance
            eps=self.eps,
        )
        if mean is not None and variance is not None:
            self._update_running_statistics(mean.view(ghosts, channels), variance.view(ghosts, channels))
        y: Tensor = folded.unflatten(1, (ghosts, channels)).transpose(0, 1).flatten(0, 1)
        if x.dim() > 3 and not x.is_contiguous() and x.movedim(1, -1).is_contiguous():
            y = y.movedim(1, -1).contiguous().movedim(-1, 1)  # channels_last; vmap lacks memory formats
        else:
            y = y.contiguous()
        return y

    def _update_running_statistics(self, means: Tensor, variances: Tensor) -> None:
        """Update the running statistics with those of the ghost batches, each (ghosts, C), in batch order."""
        running_mean, running_var = self.running_mean, self.running_var
        if running_mean is None or running_var is None:
            return
        if means.element_size() < 4:  # 16-bit floats can't count ghost batches accurately
            means, variances = means.float(), variances.float()
        ghosts, dtype = length(means), means.dtype
        with torch.no_grad():
            if self.momentum is not None:
                ages = torch.arange(ghosts - 1, -1, -1, dtype=dtype, device=means.device)
                weights = self.momentum * (1 - self.momentum) ** ages
                running_mean.mul_((1 - self.momentum) ** ghosts)
                running_var.mul_((1 - self.momentum) ** ghosts)
            elif self.num_batches_tracked is not None:
                # Cumulative average: every ghost batch seen so far has equal weight
                seen = self.num_batches_tracked.to(dtype)
                weights = torch.ones_like(means[:, 0]) / (seen + ghosts)
                running_mean.mul_(seen / (seen + ghosts))
                running_var.mul_(seen / (seen + ghosts))
            else:
                return  # like torch, which then leaves the running statistics alone
            # This is weights @ values, written in place because autocast would run it in bfloat16
            running_mean.add_(torch.empty_like(running_mean, dtype=dtype).addmv_(means.T, weights, beta=0))
            running_var.add_(torch.empty_like(running_var, dtype=dtype).addmv_(variances.T, weights, beta=0))

    def extra_repr(self) -> str:
        """Arguments of batch norm, followed by those of ghost batch norm."""
        partial = "" if self.partial == "error" else f", partial={self.partial!r}"
        return f"{super().extra_repr()}, ghost_size={self.ghost_size}{partial}"
