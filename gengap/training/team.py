"""The ranks that share each batch, as the update sees them; a process that trains alone takes it all."""

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
    """This process's part of a batch, and what makes its gradient that of the whole batch.

    On several ranks the network's batch norm without ghosts and its dropout are turned into those of the
    whole batch, in place.

    Args:
        config: of the run.
        model: its network, in training mode, on its device.
        shape: of one image, (C, H, W).
        flat: the network's parameters and gradient.
        ranks: of the command.
        device: where this rank trains.

    Raises:
        UserError: several ranks can't train the network as one process does.
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
        """The part of a batch that this process trains on."""
        return share(samples, self._method, self._ranks.rank, self._ranks.size)

    def micro_batches(self, samples: int) -> Iterable[tuple[slice, float]]:
        """Slices of this process's part of a batch, and the weight of each sample in the mean loss."""
        if self._ranks.size == 1:
            return micro_batches(samples, self.micro_batch, self._method)
        part = self.share(samples)
        parts = micro_batches(samples, self.micro_batch, self._method, part)
        return (
            (slice(p.start - part.start, p.stop - part.start), weight)
            for p, weight in self._masks.in_turn(samples, parts)
        )

    def collecting(self) -> AbstractContextManager[None]:
        """The forward and backward passes of a batch run inside."""
        return nullcontext() if self._ranks.size == 1 else self._exchange.collecting()

    def end_pass(self) -> None:
        """One pass over the batch is done."""
        if self._ranks.size > 1:
            self._exchange.end_pass()

    def combine(self, samples: int, loss: Tensor, errors: Tensor) -> tuple[Tensor, Tensor]:
        """The loss and the fraction of errors of the whole batch, whose gradient is in `flat` then."""
        return (loss, errors) if self._ranks.size == 1 else self._exchange.combine(samples, loss, errors)
