"""Gradients of independent batches at a trainer's weights, without changing the trainer."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gengap.batches import Batches
from gengap.data.stream import Batch, Stream
from gengap.landscape.batch_norm import per_batch
from gengap.randomness import Purpose, key
from gengap.training.objective import sample_losses
from gengap.training.sandbox import sandboxed
from gengap.training.trainer import Trainer

BATCH, TRAINED = "batch", "trained"  # where batch norm's statistics come from, if not from each ghost


class IndependentBatches(Stream):
    """Batches that are independent of each other: each starts its own permutation."""

    def batch(self, update: int) -> Batch:
        """Get the samples of a batch, counted from 0; as within a training epoch, none occurs twice."""
        seed = key(self._seed, Purpose.DRAW, update)
        return Stream(seed, self._batches, self._crop_positions, moving=self._moving).batch(0)


@dataclass(frozen=True)
class Gradients:
    """Summary of the gradients ĝ_k of K batches.

    Attributes:
        products: inner products ĝ_k · ĝ_l for each parameter tensor, (tensors, K, K).
        per_sample: trace of the covariance of a single sample's gradient, as estimated from the ghosts of
            each batch (K,); None if a batch is one ghost, or batch norm couples all its samples.
        norms: norms ‖ĝ_k‖ (K,).
    """

    products: NDArray[np.float64]
    per_sample: NDArray[np.float64] | None
    norms: NDArray[np.float64]


def batch_gradients(
    trainer: Trainer,
    mode: str,
    size: int,
    ghost_size: int,
    draws: int,
    seed: int,
    between: Callable[[int], None],
) -> Gradients:
    """Compute the gradients of the mean loss of independent batches, augmented as in training.

    The method's gradient noise, clipping and weight decay are not applied.

    Args:
        trainer: provides network, weights and data; it is not changed.
        mode: "ghost" or BATCH for the statistics of each ghost or of the whole batch, in training mode;
            TRAINED for running statistics in evaluation mode, hence without dropout.
        size: samples per batch, a multiple of the ghost size unless it is smaller.
        ghost_size: samples per ghost; in mode TRAINED, ghosts only serve to estimate `per_sample`.
        draws: number of batches K; their gradients are held in memory.
        seed: seed for drawing the batches.
        between: called after every ghost with its number of samples; may raise an exception to stop.
    """
    train = trainer.train
    cut = Batches(len(train), (size,))
    stream = IndependentBatches(seed, cut, train.crop_positions, moving=train.moving)
    at_a_time = size if mode == BATCH else min(size, ghost_size)
    gradients, per_sample = [], []
    with _normalizing(trainer.model, mode), closing(train.batches(stream, 0)) as batches:
        for draw in range(draws):
            torch.manual_seed(key(seed, Purpose.DROPOUT, draw))
            gradient, within = _of_ghosts(trainer, next(batches), size, at_a_time, between)
            gradients.append(gradient)
            per_sample.append(within)
    of_tensors = zip(*(g.split(trainer.flat.sizes) for g in gradients), strict=True)
    products = np.stack([_products(torch.stack(tensor)) for tensor in of_tensors])
    norms = np.sqrt(np.einsum("tkk->k", products))
    return Gradients(products, None if at_a_time == size else np.array(per_sample), norms)


def _of_ghosts(
    trainer: Trainer, batch: tuple[Tensor, ...], size: int, at_a_time: int, between: Callable[[int], None]
) -> tuple[Tensor, float]:
    """Compute the ghosts' mean gradient (P,), and the trace of one sample's covariance (0 for one ghost)."""
    ghosts = size // at_a_time
    total = torch.zeros_like(trainer.flat.weights, dtype=torch.float64)
    squares = torch.zeros((), dtype=torch.float64, device=total.device)
    for start in range(0, size, at_a_time):
        gradient = _gradient(trainer, tuple(t[start : start + at_a_time] for t in batch)).double()
        total += gradient
        squares += gradient.square().sum()
        between(at_a_time)
    mean = total / ghosts
    between_ghosts = (squares - ghosts * mean.square().sum()) / max(1, ghosts - 1)
    return mean.to(trainer.flat.weights.dtype), at_a_time * float(between_ghosts)


def _gradient(trainer: Trainer, batch: tuple[Tensor, ...]) -> Tensor:
    """Compute the gradient (P,) of the mean loss of a batch."""
    images, labels = trainer.train.preprocess(batch)
    losses, _ = sample_losses(trainer.model, images, labels, trainer.flat.weights.dtype, bf16=trainer.bf16)
    parameters = trainer.flat.parameters
    gradients = torch.autograd.grad(losses.mean(), parameters, allow_unused=True)
    return torch.cat(
        [
            (torch.zeros_like(p) if g is None else g).flatten()
            for p, g in zip(parameters, gradients, strict=True)
        ]
    )


def _products(gradients: Tensor) -> NDArray[np.float64]:
    """Compute inner products (K, K) of one tensor's gradients (K, elements)."""
    exact = gradients.double()
    found: NDArray[np.float64] = (exact @ exact.T).cpu().numpy()
    return found


@contextmanager
def _normalizing(model: nn.Module, mode: str) -> Iterator[None]:
    """Make the model use a mode's statistics inside the block, and restore everything afterwards."""
    with sandboxed(model):
        model.train(mode != TRAINED)
        if mode == TRAINED:
            yield
        else:
            with per_batch(model):
                yield
