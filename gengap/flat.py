"""All parameters in one flat vector: clip, SGD step, distance and checkpoint are one operation each."""

import torch
from torch import nn


class Flat:
    """A model's parameters and gradients as views into two flat vectors.

    weights and gradient have shape (P,); names and sizes follow model.named_parameters(). A parameter keeps
    its memory format: its part of the vectors is in the order that it has in memory.
    """

    def __init__(self, model: nn.Module) -> None:
        parameters = [p for p in model.parameters() if p.requires_grad]
        self.names = [n for n, p in model.named_parameters() if p.requires_grad]
        self.sizes = [p.numel() for p in parameters]
        self.weights = parameters[0].detach().new_empty(sum(self.sizes))
        self.gradient = torch.zeros_like(self.weights)
        start = 0
        for parameter in parameters:
            # Strides and all, so that a channels_last kernel stays one
            view = (parameter.shape, torch.empty_like(parameter).stride(), start)
            weights = self.weights.as_strided(*view)
            parameter.data = weights.copy_(parameter.detach())
            parameter.grad = self.gradient.as_strided(*view)
            start += parameter.numel()
