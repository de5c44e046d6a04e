"""The loss on a data set as a function of a network's weights, in one of the modes of batch norm."""

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

WHOLE_SET_BYTES = 4 * 2**30  # size of saved activations up to which the whole set is a single batch
CPU_BATCH = 1000  # images per batch if the result doesn't depend on it


def nothing(images: int) -> None:
    """Do nothing between batches; the default callback."""


class Surface:
    """A network's mean cross-entropy over a training set as a function of its weights, without augmentation.

    The network runs in evaluation mode (no dropout) and in the dtype of its weights; losses are summed in
    float64. Weights are vectors (P,) of all trainable parameters, in the order of training.flat. A network
    can only have one surface at a time: a second one takes over its parameters.

    Args:
        network: maps normalized images to logits; its parameters become views into a single vector.
        train: training set, on the same device as the network.
        mode: mode of batch norm.
        batch: images per batch, which only affects the loss in mode `batch`.
        between: called after every batch with its number of images; may raise an exception to stop.

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
        self._batch, self.between = batch, between
        self._dtype = self.flat.weights.dtype
        if mode == Mode.TRAINED:
            batch_norm.running(network)
        images, _ = next(iter(train.evaluation_batches(2)))
        self._order = running_order(network, images.to(self._dtype)) if mode == Mode.RECOMPUTED else []
        self._whole = bool(self._order) and self.saved_bytes() <= WHOLE_SET_BYTES
        self.evaluations = 0  # number of evaluations of the loss, with or without its gradient

    @property
    def size(self) -> int:
        """Number of weights, P."""
        return len(self.flat.weights)

    @property
    def in_pieces(self) -> bool:
        """Whether statistics are recomputed over a training set that does not fit into memory at once."""
        return bool(self._order) and not self._whole

    def saved_bytes(self) -> int:
        """Estimate the bytes of activations saved for a gradient over the whole training set at once."""
        return saved_bytes(self.network, self.train.shape, len(self.train), bf16=False)

    @contextmanager
    def restored(self) -> Iterator[Tensor]:
        """Yield a copy of the weights, and restore them exactly when the block ends."""
        before = self.flat.weights.clone()
        try:
            yield before
        finally:
            with torch.no_grad():
                self.flat.weights.copy_(before)

    @torch.no_grad()
    def move_to(self, weights: Tensor) -> None:
        """Set the weights.

        Raises:
            RuntimeError: another surface has taken over the network.
        """
        if self.flat.parameters[0].data_ptr() != self.flat.weights.data_ptr():
            raise RuntimeError("another surface was made of this network since: make this one again")
        self.flat.weights.copy_(weights)

    def loss(self) -> float:
        """Compute the loss at the current weights."""
        return self.measure()[0]

    @torch.no_grad()
    def measure(
        self, images: DeviceImages | None = None, statistics: Statistics | None = None
    ) -> tuple[float, float]:
        """Compute mean loss and error (%) at the current weights.

        Args:
            images: data set to use instead of the training set; in mode `recomputed`, the statistics are
                still those of the training set.
            statistics: batch norm statistics that override the mode's.
        """
        self.evaluations += images is None
        of = images or self.train
        if images is not None and self.mode == Mode.RECOMPUTED:
            statistics = statistics or self.statistics()
        with self._normalizing(statistics):
            loss = torch.zeros((), dtype=torch.float64)
            errors = 0
            for batch, labels in self._batches(of):
                logits = self.network(batch)
                loss += _loss_sum(logits, labels).cpu()
                errors += int((logits.argmax(1) != labels).sum())
        return float(loss) / len(of), 100 * errors / len(of)

    def loss_and_gradient(self) -> tuple[float, Tensor]:
        """Compute the loss at the current weights and its gradient (P,) in float64.

        In mode `recomputed`, the gradient includes that through the statistics.
        """
        self.evaluations += 1
        gradient = torch.zeros_like(self.flat.weights, dtype=torch.float64)
        if self.in_pieces:
            statistics, parameters, samples = self.statistics(), self.flat.parameters, len(self.train)
            with torch.no_grad():
                loss = self.over_batches(lambda _: None, statistics)
            gradients = total_gradient(self.network, parameters, statistics, self._pieces, _loss_sum, samples)
            self.add_to(gradient, gradients)
            return loss, gradient

        def add(summed: Tensor) -> None:
            self.add_to(gradient, torch.autograd.grad(summed, self.flat.parameters, allow_unused=True))

        loss = self.over_batches(add)
        return loss, gradient / len(self.train)

    def over_batches(self, use: Callable[[Tensor], object], statistics: Statistics | None = None) -> float:
        """Call `use` with the summed loss of each batch, in float64; return the mean loss.

        Args:
            use: function that may differentiate the sum with respect to the parameters.
            statistics: batch norm statistics that override the mode's.
        """
        loss = torch.zeros((), dtype=torch.float64)
        with self._normalizing(statistics):
            for images, labels in self._batches(self.train):
                summed = _loss_sum(self.network(images), labels)
                use(summed)
                loss += summed.detach().cpu()
        return float(loss) / len(self.train)

    def statistics(self) -> Statistics:
        """Compute the batch norm statistics at the current weights, for mode `recomputed`."""
        return exact_statistics(self.network, self._order, self._pieces)

    def add_to(self, vector: Tensor, tensors: Iterable[Tensor | None]) -> None:
        """Add tensors with the parameters' shapes to a vector (P,), treating None as zeros."""
        for part, tensor in zip(self.flat.views(vector), tensors, strict=True):
            if tensor is not None:
                part += tensor

    @contextmanager
    def _normalizing(self, given: Statistics | None) -> Iterator[None]:
        """Use batch norm in the surface's mode, or with the given statistics, inside the block."""
        if given is not None:
            with batch_norm.using(given):
                yield
        elif self.mode == Mode.BATCH or self._whole:
            with batch_norm.per_batch(self.network):
                yield
        elif self._order:
            with batch_norm.using(self.statistics()):
                yield
        else:
            yield

    def _pieces(self) -> Iterator[tuple[Tensor, Tensor]]:
        return self._batches(self.train, whole=False)

    def _batches(self, of: DeviceImages, whole: bool = True) -> Iterator[tuple[Tensor, Tensor]]:
        size = len(of) if self._whole and whole and of is self.train else self._batch
        for images, labels in of.evaluation_batches(size):
            yield images.to(self._dtype), labels
            self.between(len(labels))


def _loss_sum(logits: Tensor, labels: Tensor) -> Tensor:
    """Sum the samples' cross-entropies in float64."""
    return F.cross_entropy(logits, labels, reduction="none").double().sum()
