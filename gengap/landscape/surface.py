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
    A network has one surface at a time: a second one takes its parameters over.

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
        self._batch, self.between = batch, between
        self._dtype = self.flat.weights.dtype
        if mode == Mode.TRAINED:
            batch_norm.running(network)
        images, _ = next(iter(train.evaluation_batches(2)))
        self._order = running_order(network, images.to(self._dtype)) if mode == Mode.RECOMPUTED else []
        self._whole = bool(self._order) and self.saved_bytes() <= WHOLE_SET_BYTES
        self.evaluations = 0  # of the loss, with or without its gradient

    @property
    def size(self) -> int:
        """P, the number of weights."""
        return len(self.flat.weights)

    @property
    def in_pieces(self) -> bool:
        """Whether statistics are recomputed over a training set that does not fit into memory at once."""
        return bool(self._order) and not self._whole

    def saved_bytes(self) -> int:
        """An estimate of the activations that a gradient over the whole training set at once would save."""
        return saved_bytes(self.network, self.train.shape, len(self.train), bf16=False)

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
        """Set the weights.

        Raises:
            RuntimeError: another surface has taken over the network.
        """
        if self.flat.parameters[0].data_ptr() != self.flat.weights.data_ptr():
            raise RuntimeError("another surface was made of this network since: make this one again")
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
        """The loss at the current weights and its gradient (P,) in float64.

        In the mode `recomputed` the gradient is that through the statistics as well.
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
            use: may differentiate the sum with respect to the parameters.
            statistics: of batch norm, instead of what the mode says.
        """
        loss = torch.zeros((), dtype=torch.float64)
        with self._normalizing(statistics):
            for images, labels in self._batches(self.train):
                summed = _loss_sum(self.network(images), labels)
                use(summed)
                loss += summed.detach().cpu()
        return float(loss) / len(self.train)

    def statistics(self) -> Statistics:
        """The batch-norm statistics at the current weights, in the mode `recomputed`."""
        return exact_statistics(self.network, self._order, self._pieces)

    def add_to(self, vector: Tensor, tensors: Iterable[Tensor | None]) -> None:
        """Add tensors of the parameters' shapes to a vector (P,); None counts as zeros."""
        for part, tensor in zip(self.flat.views(vector), tensors, strict=True):
            if tensor is not None:
                part += tensor

    @contextmanager
    def _normalizing(self, given: Statistics | None) -> Iterator[None]:
        """Batch norm in the surface's mode inside the block, or with given statistics."""
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
    """The sum of the samples' cross-entropies, in float64."""
    return F.cross_entropy(logits, labels, reduction="none").double().sum()
