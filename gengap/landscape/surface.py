"""The loss of a data set as a function of a network's weights, in one of the modes of batch norm."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gengap.data.device_images import DeviceImages
from gengap.landscape import batch_norm
from gengap.landscape.batch_norm import Mode, Statistics
from gengap.landscape.recomputed import exact_statistics, running_order, total_gradient
from gengap.training.flat import Flat
from gengap.training.memory import saved_bytes

WHOLE_SET_BYTES = 4 * 2**30  # of saved activations, up to which the whole set is one batch
CPU_BATCH = 1000  # images at a time where nothing depends on it


def nothing(images: int) -> None:
    """What is called between batches where nobody waits."""


class Surface:
    """A network's mean cross-entropy over a training set as a function of its weights, without augmentation.

    The network is in evaluation mode (no dropout), its forward pass in the dtype of its weights; losses are
    summed in float64. Weights are vectors (P,) of all trainable parameters, in the order of training.flat.

    Args:
        network: maps normalized images to logits; its parameters become views into one vector.
        train: the training set, on the network's device.
        mode: of batch norm.
        batch: images per batch; it changes the loss in the mode `batch` only.
        between: called after every batch with its number of images; it may raise, to stop.

    Raises:
        UserError: the network's batch norm can't be measured in this mode.
    """

    def __init__(
        self,
        network: nn.Module,
        train: DeviceImages,
        mode: Mode = Mode.TRAINED,
        batch: int = CPU_BATCH,
        between: Callable[[int], None] = nothing,
    ) -> None:
        self.network, self.train, self.mode = network.eval(), train, mode
        self.flat = Flat(network)
        self._batch, self._between = batch, between
        self._dtype = self.flat.weights.dtype
        images, _ = next(iter(train.evaluation_batches(2)))
        self._order = running_order(network, images.to(self._dtype)) if mode == Mode.RECOMPUTED else []
        needed = saved_bytes(network, train.shape, len(train), bf16=False) if self._order else 0
        self._whole = bool(self._order) and needed <= WHOLE_SET_BYTES
        self.evaluations = 0  # of the loss, with or without its gradient

    @property
    def size(self) -> int:
        """P, the number of weights."""
        return len(self.flat.weights)

    @contextmanager
    def restored(self) -> Iterator[Tensor]:
        """A copy of the weights, which come back bit by bit when the block ends."""
        before = self.flat.weights.clone()
        try:
            yield before
        finally:
            with torch.no_grad():
                self.flat.weights.copy_(before)

    @torch.no_grad()
    def move_to(self, weights: Tensor) -> None:
        """Set the weights."""
        self.flat.weights.copy_(weights)

    def loss(self) -> float:
        """The loss at the current weights."""
        return self.measure()[0]

    @torch.no_grad()
    def measure(
        self, images: DeviceImages | None = None, statistics: Statistics | None = None
    ) -> tuple[float, float]:
        """Mean loss and error (%) at the current weights.

        Args:
            images: another set than the training set; in the mode `recomputed`, the statistics are still
                those of the training set.
            statistics: of batch norm, instead of what the mode says.
        """
        self.evaluations += images is None
        with self._statistics(statistics):
            loss = torch.zeros((), dtype=torch.float64)
            errors, of = 0, images or self.train
            for batch, labels in self._batches(of):
                logits = self.network(batch)
                loss += _loss_sum(logits, labels).cpu()
                errors += int((logits.argmax(1) != labels).sum())
        return float(loss) / len(of), 100 * errors / len(of)

    def loss_and_gradient(self) -> tuple[float, Tensor]:
        """The loss at the current weights and its gradient (P,) in float64.

        In the mode `recomputed` the gradient is that through the statistics as well.
        """
        self.evaluations += 1
        if self.mode != Mode.RECOMPUTED or self._whole:
            return self._summed_over_batches()
        statistics = exact_statistics(self.network, self._order, self._batches)
        with torch.no_grad(), batch_norm.using(statistics):
            loss = sum(float(_loss_sum(self.network(x), y)) for x, y in self._batches()) / len(self.train)
        parameters = self.flat.parameters
        gradients = total_gradient(
            self.network, parameters, statistics, self._batches, _loss_sum, len(self.train)
        )
        return loss, self._flattened(gradients)

    def _summed_over_batches(self) -> tuple[float, Tensor]:
        gradient = torch.zeros_like(self.flat.weights, dtype=torch.float64)
        loss = torch.zeros((), dtype=torch.float64)
        with self._statistics(None):
            for images, labels in self._batches():
                summed = _loss_sum(self.network(images), labels)
                gradients = torch.autograd.grad(summed, self.flat.parameters, allow_unused=True)
                self.flat.collect(gradients, first=True)
                gradient += self.flat.gradient
                loss += summed.detach().cpu()
        return float(loss) / len(self.train), gradient / len(self.train)

    def statistics(self) -> Statistics:
        """The batch-norm statistics at the current weights, in the mode `recomputed`."""
        return exact_statistics(self.network, self._order, self._batches)

    @contextmanager
    def _statistics(self, given: Statistics | None) -> Iterator[None]:
        """Batch norm in the surface's mode inside the block, or with given statistics."""
        if given is not None:
            with batch_norm.using(given):
                yield
        elif self.mode == Mode.BATCH or self._whole:
            with batch_norm.per_batch(self.network):
                yield
        elif self.mode == Mode.RECOMPUTED:
            with batch_norm.using(self.statistics()):
                yield
        else:
            yield

    def _batches(self, images: DeviceImages | None = None) -> Iterable[tuple[Tensor, Tensor]]:
        of = images or self.train
        for batch, labels in of.evaluation_batches(
            len(of) if self._whole and images is None else self._batch
        ):
            yield batch.to(self._dtype), labels
            self._between(len(labels))

    def _flattened(self, gradients: Iterable[Tensor]) -> Tensor:
        """Gradients as one vector (P,), elements in the order of the weights."""
        flat = torch.zeros_like(self.flat.weights, dtype=torch.float64)
        start = 0
        for parameter, gradient in zip(self.flat.parameters, gradients, strict=True):
            flat.as_strided(parameter.shape, parameter.stride(), start).copy_(gradient)
            start += parameter.numel()
        return flat


def _loss_sum(logits: Tensor, labels: Tensor) -> Tensor:
    """The sum of the samples' cross-entropies, in float64."""
    return F.cross_entropy(logits, labels, reduction="none").double().sum()
