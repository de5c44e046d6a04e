"""What ranks exchange per update: one sum of the gradient, and one gather of losses and ghost statistics."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from gengap.config.schema import Config
from gengap.ghost.base import GhostBatchNorm
from gengap.training.flat import Flat
from gengap.training.ranks import Ranks
from gengap.training.shares import ghosts, share
from gengap.training.synchronized import Whole


class Exchange:
    """Makes the gradient, losses and running statistics of a rank's part those of the whole batch.

    Ghost batch norm averages the statistics of a rank's ghosts into running ones that start from zero. These
    sums, gathered and averaged into the real running statistics in the order of ranks, which is that of
    ghosts, give those of one process, because the average is linear (see gengap.ghost).

    Args:
        config: of the run.
        model: its network.
        flat: the network's parameters and gradient.
        ranks: that share each batch.
        whole: switches synchronized batch norm.
    """

    def __init__(self, config: Config, model: nn.Module, flat: Flat, ranks: Ranks, whole: Whole) -> None:
        self._method, self._flat, self._ranks, self._whole = config.method, flat, ranks, whole
        self._bf16 = config.runtime.reduce == "bf16"
        layers = [m for m in model.modules() if isinstance(m, GhostBatchNorm) and m.track_running_stats]
        self._momenta: list[float] = []
        self._running: list[Tensor] = []
        self._tracked: list[Tensor] = []
        for layer in layers if ranks.size > 1 else ():
            assert layer.running_mean is not None
            assert layer.running_var is not None
            assert layer.num_batches_tracked is not None
            assert layer.momentum is not None  # else refused
            self._running += [layer.running_mean, layer.running_var]
            self._momenta += [layer.momentum] * 2
            self._tracked.append(layer.num_batches_tracked)
        self._sizes = [len(values) for values in self._running]
        self._before = torch.empty(0)
        self._sums: list[Tensor] = []
        self._factors: dict[int, Tensor] = {}

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Forward and backward passes of a batch."""
        self._sums.clear()
        if self._running:
            self._before = self._taken()
        self._whole.active = True
        try:
            yield
        finally:
            self._whole.active = False

    def end_pass(self) -> None:
        """One pass over the batch is done; another one is averaged into the statistics after it."""
        if self._running:
            self._sums.append(self._taken())

    def _taken(self) -> Tensor:
        """The running statistics, which are zeros from now on."""
        found = torch.cat(self._running)
        for values in self._running:
            values.zero_()
        return found

    def combine(self, samples: int, loss: Tensor, errors: Tensor) -> tuple[Tensor, Tensor]:
        """Sum the gradients, the mean losses and the fractions of errors, and complete the statistics.

        Args:
            samples: in the whole batch.
            loss, errors: the sums over this rank's part, each a share of the mean.
        """
        self._sum_gradient()
        gathered = self._ranks.gather(torch.cat([torch.stack([loss, errors]), *self._sums]))
        whole_loss, whole_errors = gathered[:, :2].sum(0).unbind()
        if self._running:
            self._fold(samples, gathered[:, 2:])
        return whole_loss, whole_errors

    def _sum_gradient(self) -> None:
        gradient = self._flat.gradient
        if not self._bf16:
            self._ranks.sum_(gradient)
            return
        rounded = gradient.to(torch.bfloat16)
        self._ranks.sum_(rounded)
        gradient.copy_(rounded)

    @torch.no_grad()
    def _fold(self, samples: int, gathered: Tensor) -> None:
        counts = self._ghosts_of_ranks(samples)
        running = self._before
        for sums in gathered.split(len(running), 1):
            for count, of_rank in zip(counts, sums, strict=True):
                running = running * self._factor(count) + of_rank.to(running.dtype)
        for values, found in zip(self._running, running.split(self._sizes), strict=True):
            values.copy_(found)
        others = (sum(counts) - counts[self._ranks.rank]) * len(self._sums)
        for tracked in self._tracked:
            tracked.add_(others)

    def _ghosts_of_ranks(self, samples: int) -> Sequence[int]:
        cuts, size = list(ghosts(samples, self._method)), self._ranks.size
        parts = [share(samples, self._method, rank, size) for rank in range(size)]
        return [cuts.index(part.stop) - cuts.index(part.start) for part in parts]

    def _factor(self, count: int) -> Tensor:
        """(1 - momentum)^count, by element of the running statistics."""
        if count not in self._factors:
            each = [(1 - m) ** count for m in self._momenta]
            self._factors[count] = torch.cat(
                [self._before.new_full((n,), f) for n, f in zip(self._sizes, each, strict=True)]
            )
        return self._factors[count]
