"""All parameters in one flat vector, so that clipping, SGD step and distance take one operation each."""

from collections.abc import Callable, Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn


class Flat:
    """A model's parameters and gradients as views into two flat vectors.

    weights and gradient have shape (P,); names, sizes and parameters list the trainable parameters in the
    order of model.named_parameters(). Parameters keep their memory format: elements follow memory order.
    """

    def __init__(self, model: nn.Module) -> None:
        parameters = self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.names = [n for n, p in model.named_parameters() if p.requires_grad]
        self.sizes = [p.numel() for p in parameters]
        self.weights = parameters[0].detach().new_empty(sum(self.sizes))
        self.gradient = torch.zeros_like(self.weights)
        # Strides are kept, so that a channels_last kernel stays channels_last
        self._strides = [torch.empty_like(parameter).stride() for parameter in parameters]
        for parameter, weights in zip(parameters, self.views(self.weights), strict=True):
            parameter.data = weights.copy_(parameter.detach())
        self._gradients = self.views(self.gradient)

    def views(self, vector: Tensor) -> list[Tensor]:
        """View a vector (P,) as tensors with the parameters' shapes, sharing its memory."""
        starts = accumulate(self.sizes, initial=0)
        places = zip(self.parameters, self._strides, starts, strict=False)
        return [vector.as_strided(p.shape, strides, start) for p, strides, start in places]

    @torch.no_grad()
    def collect(self, gradients: Sequence[Tensor | None], *, first: bool) -> None:
        """Copy the gradients of all parameters into the flat gradient.

        Args:
            gradients: one per parameter; None, for an unused parameter, is treated as zeros.
            first: overwrite the flat gradient instead of adding to it.
        """
        if first and any(g is None for g in gradients):
            self.gradient.zero_()
        pairs = [(into, g) for into, g in zip(self._gradients, gradients, strict=True) if g is not None]
        combine = _copy if first else _add
        combine([into for into, _ in pairs], [g for _, g in pairs])


def _one_by_one(operation: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., object]:
    return lambda targets, sources: [operation(t, s) for t, s in zip(targets, sources, strict=True)]


# On a GPU, torch's private operations on lists of tensors use one kernel for many tensors
_copy = getattr(torch, "_foreach_copy_", _one_by_one(Tensor.copy_))
_add = getattr(torch, "_foreach_add_", _one_by_one(Tensor.add_))
