"""Modes of batch norm for measuring a loss surface; each makes the loss a different function of the weights.

With running statistics from training, batch norm is a fixed affine map as the weights move. With statistics
of the moved weights, over the whole training set or each batch, it undoes much of the move.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from gengap.errors import UserError


class Mode(StrEnum):
    """Where the statistics of batch norm come from."""

    TRAINED = "trained"  # running statistics from training, as in evaluation mode
    RECOMPUTED = "recomputed"  # exact statistics of the current weights over the training set
    BATCH = "batch"  # statistics of each batch, as in Keskar et al.'s released networks
    AUGMENTED = "augmented"  # like RECOMPUTED, over the images as augmented in training
    INTERPOLATED = "interpolated"  # on a line, interpolated between the running statistics of its two ends


@dataclass(frozen=True)
class Moments:
    """Mean and variance of the input of a batch norm layer, each (C,)."""

    mean: Tensor
    variance: Tensor


Statistics = Mapping[_BatchNorm, Moments]


def layers(network: nn.Module) -> list[_BatchNorm]:
    """List the batch norm layers of a network, in module order."""
    return [module for module in network.modules() if isinstance(module, _BatchNorm)]


def running(network: nn.Module) -> dict[_BatchNorm, Moments]:
    """Copy the running statistics of every layer.

    Raises:
        UserError: a layer doesn't keep any.
    """
    found = {}
    for layer in layers(network):
        if layer.running_mean is None or layer.running_var is None:
            raise UserError("a batch norm of this network keeps no running statistics: use batch_norm=batch")
        found[layer] = Moments(layer.running_mean.clone(), layer.running_var.clone())
    return found


def interpolated(start: Statistics, end: Statistics, alpha: float) -> dict[_BatchNorm, Moments]:
    """Interpolate layer by layer: (1 - `alpha`) times the start's statistics plus `alpha` times the end's.

    Beyond the ends, variances that would become negative are set to 0. The layers are the start's.
    """
    return {
        layer: Moments(
            torch.lerp(a.mean, b.mean, alpha), torch.lerp(a.variance, b.variance, alpha).clamp(min=0)
        )
        for (layer, a), b in zip(start.items(), end.values(), strict=True)
    }


@contextmanager
def using(statistics: Statistics) -> Iterator[None]:
    """Normalize with these statistics inside the block; gradients flow through them."""
    with _replaced({layer: partial(_normalize, layer, moments) for layer, moments in statistics.items()}):
        yield


@contextmanager
def per_batch(network: nn.Module) -> Iterator[None]:
    """Normalize each batch with its own statistics inside the block, leaving running statistics unchanged."""
    with _replaced({layer: partial(_normalize_batch, layer) for layer in layers(network)}):
        yield


@contextmanager
def _replaced(forwards: Mapping[_BatchNorm, Callable[[Tensor], Tensor]]) -> Iterator[None]:
    for layer, forward in forwards.items():
        layer.forward = forward  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        for layer in forwards:
            del layer.forward  # restores the class's method


def _normalize(layer: _BatchNorm, moments: Moments, x: Tensor) -> Tensor:
    scale = torch.rsqrt(moments.variance + layer.eps)
    if layer.weight is not None:
        scale = scale * layer.weight
    shift = -moments.mean * scale
    if layer.bias is not None:
        shift = shift + layer.bias
    shape = [1, -1] + [1] * (x.dim() - 2)
    return torch.addcmul(shift.view(shape), x, scale.view(shape))


def _normalize_batch(layer: _BatchNorm, x: Tensor) -> Tensor:
    if x.numel() == x.shape[1]:
        raise UserError("a batch of one image has no statistics: set samples, or batch, to more images")
    return nn.functional.batch_norm(x, None, None, layer.weight, layer.bias, training=True, eps=layer.eps)
