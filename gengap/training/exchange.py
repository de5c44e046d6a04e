"""Communication between ranks per update: a sum of gradients, and a gather of losses and ghost statistics."""

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
    """Combines gradient, losses and running statistics of all ranks' parts into those of the whole batch.

    On each rank, ghost batch norm averages the statistics of its ghosts into running statistics that start
    from zero. These are gathered and folded into the real running statistics in rank order, which is the
    order of the ghosts. Since the average is linear (see gengap.ghost), the result is that of one process.

    Args:
        config: configuration of the run.
        model: network of the run.
        flat: the network's parameters and gradient.
        ranks: the ranks that share each batch.
        whole: switch of synchronized batch norm.
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
            assert layer.momentum is not None  # check_batch_norm rejects the rest
            self._running += [layer.running_mean, layer.running_var]
            self._momenta += [layer.momentum] * 2
            self._tracked.append(layer.num_batches_tracked)
        self._sizes = [len(values) for values in self._running]
        self._before = torch.empty(0)
        self._sums: list[Tensor] = []
        self._factors: dict[int, Tensor] = {}

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Context in which the forward and backward passes of a batch run."""
        self._sums.clear()
        if self._running:
            self._before = self._taken()
        self._whole.active = True
        try:
            yield
        finally:
            self._whole.active = False

    def end_pass(self) -> None:
        """Finish one pass over the batch; a further pass is averaged into the statistics after this one."""
        if self._running:
            self._sums.append(self._taken())

    def _taken(self) -> Tensor:
        """Return a copy of the running statistics, concatenated, and reset them to zero."""
        found = torch.cat(self._running)
        for values in self._running:
            values.zero_()
        return found

    def combine(self, samples: int, loss: Tensor, errors: Tensor) -> tuple[Tensor, Tensor]:
        """Sum gradients, losses and error rates over the ranks, and complete the running statistics.

        Args:
            samples: number of samples in the whole batch.
            loss, errors: this rank's contribution to the batch's mean loss and error rate.
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
        """(1 - momentum)^count for each element of the running statistics."""
        if count not in self._factors:
            each = [(1 - m) ** count for m in self._momenta]
            self._factors[count] = torch.cat(
                [self._before.new_full((n,), f) for n, f in zip(self._sizes, each, strict=True)]
            )
        return self._factors[count]
