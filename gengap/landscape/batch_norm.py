"""The modes of batch norm in which a loss surface is measured; each makes another function of the weights.

With the running statistics of training, batch norm is a fixed affine map while the weights move. With
statistics of the moved weights, over the whole training set or each batch, it undoes much of the move.
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

    TRAINED = "trained"  # the running statistics of training, as in evaluation mode
    RECOMPUTED = "recomputed"  # exact statistics of these weights over the training set
    BATCH = "batch"  # those of each batch, as in Keskar et al.'s released networks
    AUGMENTED = "augmented"  # as RECOMPUTED, over the images as they are augmented in training
    INTERPOLATED = "interpolated"  # on a line: between the running statistics of its two ends


@dataclass(frozen=True)
class Moments:
    """Mean and variance of the input of a batch norm, each (C,)."""

    mean: Tensor
    variance: Tensor


Statistics = Mapping[_BatchNorm, Moments]


def layers(network: nn.Module) -> list[_BatchNorm]:
    """The batch norm layers of a network, in the order of its modules."""
    return [module for module in network.modules() if isinstance(module, _BatchNorm)]


def running(network: nn.Module) -> dict[_BatchNorm, Moments]:
    """Copies of the running statistics of every layer.

    Raises:
        UserError: a layer keeps none.
    """
    found = {}
    for layer in layers(network):
        if layer.running_mean is None or layer.running_var is None:
            raise UserError("a batch norm of this network keeps no running statistics: use batch_norm=batch")
        found[layer] = Moments(layer.running_mean.clone(), layer.running_var.clone())
    return found


def interpolated(start: Statistics, end: Statistics, alpha: float) -> dict[_BatchNorm, Moments]:
    """1 - `alpha` times the start's statistics plus `alpha` times the end's, layer by layer in their order.

    Beyond the ends, where a variance would become negative, it is 0. The layers are the start's.
    """
    return {
        layer: Moments(
            torch.lerp(a.mean, b.mean, alpha), torch.lerp(a.variance, b.variance, alpha).clamp(min=0)
        )
        for (layer, a), b in zip(start.items(), end.values(), strict=True)
    }


@contextmanager
def using(statistics: Statistics) -> Iterator[None]:
    """Normalize by these statistics inside the block; gradients flow to them."""
    with _replaced({layer: partial(_normalize, layer, moments) for layer, moments in statistics.items()}):
        yield


@contextmanager
def per_batch(network: nn.Module) -> Iterator[None]:
    """Normalize each batch by its own statistics inside the block; running statistics stay as they are."""
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
            del layer.forward  # the class's again


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
