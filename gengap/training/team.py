"""The ranks that share each batch, as seen by the update; a process that trains alone takes all of it."""

import math
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from gengap.config.schema import Config
from gengap.training.exchange import Exchange
from gengap.training.flat import Flat
from gengap.training.masks import Masks
from gengap.training.micro_batches import micro_batch_size, micro_batches
from gengap.training.ranks import Ranks
from gengap.training.shareable import check_batch_norm, learn_draws
from gengap.training.shares import share
from gengap.training.synchronized import Whole, synchronize


class Team:
    """This process's part of a batch, and how to combine its gradient into that of the whole batch.

    With several ranks, dropout and batch norm without ghosts are converted in place to act on the whole
    batch.

    Args:
        config: configuration of the run.
        model: network of the run, in training mode, on its device.
        shape: shape of one image, (C, H, W).
        flat: the network's parameters and gradient.
        ranks: ranks of the command.
        device: device this rank trains on.

    Raises:
        UserError: several ranks can't train the network as one process would.
    """

    def __init__(
        self,
        config: Config,
        model: nn.Module,
        shape: tuple[int, int, int],
        flat: Flat,
        ranks: Ranks,
        device: torch.device,
    ) -> None:
        self._method, self._ranks = config.method, ranks
        self.micro_batch = micro_batch_size(config, model, shape, device, ranks.size)
        if ranks.size == 1:
            return
        check_batch_norm(config, model)
        whole = Whole(ranks)
        if config.method.ghost_size is None:
            synchronize(model, whole)
        block = micro_batch_size(config, model, shape, device)
        self._masks = Masks(model, block, config.method)
        learn_draws(config, model, self._masks, shape)
        if self._masks.drawn:  # a micro-batch must not span two blocks
            sizes = [config.method.batch_size, *config.method.earlier_batches]
            self.micro_batch = math.gcd(block, *(size // ranks.size for size in sizes))
        self._exchange = Exchange(config, model, flat, ranks, whole)

    def share(self, samples: int) -> slice:
        """Part of a batch that this process trains on."""
        return share(samples, self._method, self._ranks.rank, self._ranks.size)

    def micro_batches(self, samples: int) -> Iterable[tuple[slice, float]]:
        """Micro-batches as slices of this process's part, with the weight of each sample in the mean loss."""
        if self._ranks.size == 1:
            return micro_batches(samples, self.micro_batch, self._method)
        part = self.share(samples)
        parts = micro_batches(samples, self.micro_batch, self._method, part)
        return (
            (slice(p.start - part.start, p.stop - part.start), weight)
            for p, weight in self._masks.in_turn(samples, parts)
        )

    def collecting(self) -> AbstractContextManager[None]:
        """Context in which the forward and backward passes of a batch run."""
        return nullcontext() if self._ranks.size == 1 else self._exchange.collecting()

    def end_pass(self) -> None:
        """Finish one pass over the batch."""
        if self._ranks.size > 1:
            self._exchange.end_pass()

    def combine(self, samples: int, loss: Tensor, errors: Tensor) -> tuple[Tensor, Tensor]:
        """Return loss and error rate (a fraction) of the whole batch, leaving its gradient in `flat`."""
        return (loss, errors) if self._ranks.size == 1 else self._exchange.combine(samples, loss, errors)
