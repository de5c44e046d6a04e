"""Exact batch norm statistics over the training set, and the exact gradient of a loss that depends on them.

Both are computed in pieces, so that memory for a single batch is enough. Let s_1 ... s_L be the statistics of
the layers in running order and S_l(w, s_1 ... s_{l-1}) the functions that compute them; the loss is f(w, s).
Its total derivative is that of f + sum_l λ_l S_l at fixed s, where λ_L = ∂f/∂s_L and, going down from there,
λ_l = ∂(f + sum_{m>l} λ_m S_m)/∂s_l.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from gengap.errors import UserError
from gengap.landscape.batch_norm import Moments, Statistics, layers, using

Batches = Callable[[], Iterable[tuple[Tensor, Tensor]]]  # iterates over the whole set's images and labels
LossSum = Callable[[Tensor, Tensor], Tensor]  # sums the losses, given a batch's logits and labels


class _ReachedError(Exception):
    """The forward pass has reached the layer whose input is wanted."""


def running_order(network: nn.Module, images: Tensor) -> list[_BatchNorm]:
    """List the batch norm layers in the order in which a forward pass runs them.

    Raises:
        UserError: a layer runs twice, so its statistics are not well defined.
    """
    order: list[_BatchNorm] = []
    with torch.no_grad(), _recording(layers(network), lambda layer, _: order.append(layer)):
        network(images)
    if len(set(order)) < len(order):
        raise UserError(
            "a batch norm of this network is used more than once, which batch_norm=recomputed can't measure: "
            "use batch_norm=trained or batch_norm=batch"
        )
    return order


@torch.no_grad()
def exact_statistics(
    network: nn.Module, order: Sequence[_BatchNorm], batches: Batches
) -> dict[_BatchNorm, Moments]:
    """Compute mean and biased variance of each layer's input over all samples, equally weighted.

    This takes one pass per layer, up to that layer; sums are in float64.
    """
    found: dict[_BatchNorm, Moments] = {}
    for layer in order:
        found[layer] = _moments(network, layer, found, batches)
    return found


@torch.no_grad()
def set_exact_statistics(network: nn.Module, order: Sequence[_BatchNorm], batches: Batches) -> None:
    """Set the running statistics to exact ones, as computed by `exact_statistics`.

    Between these layers, the network runs in evaluation mode as usual, including autocast.
    """
    for layer in order:
        found = _moments(network, layer, {}, batches)
        assert layer.running_mean is not None
        assert layer.running_var is not None
        layer.running_mean.copy_(found.mean)
        layer.running_var.copy_(found.variance)


def _moments(network: nn.Module, layer: _BatchNorm, known: Statistics, batches: Batches) -> Moments:
    total = square = torch.zeros(())
    count = 0

    def add(_: _BatchNorm, x: Tensor) -> None:
        nonlocal total, square, count
        reduced = [d for d in range(x.dim()) if d != 1]
        values = x.double()
        total = total + values.sum(reduced)
        square = square + values.square().sum(reduced)
        count += x.numel() // x.shape[1]
        raise _ReachedError

    with using(known), _recording([layer], add):
        for images, _ in batches():
            with suppress(_ReachedError):
                network(images)
    mean = total / count
    variance = (square / count - mean.square()).clamp(min=0)
    dtype = next(network.parameters()).dtype
    return Moments(mean.to(dtype), variance.to(dtype))


def total_gradient(
    network: nn.Module,
    parameters: Sequence[Tensor],
    statistics: Statistics,
    batches: Batches,
    loss_sum: LossSum,
    samples: int,
) -> list[Tensor]:
    """Compute the gradient of the mean loss with respect to parameters, including via the statistics.

    This takes one pass per layer, plus one.

    Args:
        network: network in evaluation mode.
        parameters: parameters of the network.
        statistics: result of `exact_statistics` for these weights, in running order.
        batches: training set.
        loss_sum: computes the sum of a batch's losses.
        samples: number of samples in the training set.

    Returns:
        Gradients in float64, with the parameters' shapes.
    """
    order = list(statistics)
    leaves = {
        layer: Moments(m.mean.detach().requires_grad_(), m.variance.detach().requires_grad_())
        for layer, m in statistics.items()
    }
    multipliers: dict[_BatchNorm, tuple[Tensor, Tensor]] = {}

    def gradients(wrt: Sequence[Tensor]) -> list[Tensor]:
        found = [torch.zeros_like(t, dtype=torch.float64) for t in wrt]
        for images, labels in batches():
            inputs: dict[_BatchNorm, Tensor] = {}
            with using(leaves), _recording(list(multipliers), inputs.__setitem__):
                value = loss_sum(network(images), labels) / samples
            for layer, x in inputs.items():
                value = value + _weighted_moments(x, leaves[layer], multipliers[layer], samples, len(images))
            for total, g in zip(found, torch.autograd.grad(value, wrt, allow_unused=True), strict=True):
                if g is not None:
                    total += g
        return found

    for layer in reversed(order):
        mean, variance = gradients([leaves[layer].mean, leaves[layer].variance])
        multipliers[layer] = mean, variance
    return gradients(parameters)


def _weighted_moments(
    x: Tensor, moments: Moments, multipliers: tuple[Tensor, Tensor], samples: int, batch: int
) -> Tensor:
    """Compute a batch's contribution to λ · S of one layer, as a function of the layer's input."""
    reduced = [d for d in range(x.dim()) if d != 1]
    per_sample = x.numel() // (x.shape[1] * batch)
    count = samples * per_sample
    centered = x - moments.mean.detach().view([1, -1] + [1] * (x.dim() - 2))
    by_mean = (multipliers[0] * x.sum(reduced)).sum()
    by_variance = (multipliers[1] * centered.square().sum(reduced)).sum()
    return (by_mean + by_variance) / count


@contextmanager
def _recording(
    recorded: Sequence[_BatchNorm], record: Callable[[_BatchNorm, Tensor], object]
) -> Iterator[None]:
    """Call `record` with a layer and its input before the layer runs."""

    def hook(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, _BatchNorm)
        record(layer, inputs[0])

    hooks = [layer.register_forward_pre_hook(hook) for layer in recorded]
    try:
        yield
    finally:
        for one in hooks:
            one.remove()
