"""All parameters in one flat vector: clip, SGD step, distance and checkpoint are one operation each."""

import torch
from torch import nn


class Flat:
    """A model's parameters and gradients as views into two flat vectors.

    weights and gradient have shape (P,); names and sizes follow model.named_parameters().
    """

    def __init__(self, model: nn.Module) -> None:
        parameters = [p for p in model.parameters() if p.requires_grad]
        self.names = [n for n, p in model.named_parameters() if p.requires_grad]
        self.sizes = [p.numel() for p in parameters]
        self.weights = torch.cat([p.detach().reshape(-1) for p in parameters])
        self.gradient = torch.zeros_like(self.weights)
        views = zip(parameters, self.weights.split(self.sizes), self.gradient.split(self.sizes), strict=True)
        for parameter, weights, gradient in views:
            parameter.data = weights.view_as(parameter)
            parameter.grad = gradient.view_as(parameter)
