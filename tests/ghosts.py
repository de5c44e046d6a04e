"""A network with plain batch norm, the same in ghosts, and what the latter must compute."""

import copy

import pytest
import torch
from torch import nn

from gengap.ghost import convert

EXACT = {"rtol": 1e-11, "atol": 1e-11}
MODES = pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])


def network():
    torch.manual_seed(0)
    first = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    second = nn.Sequential(nn.Conv3d(1, 2, (1, 2, 2)), nn.BatchNorm3d(2), nn.Flatten())
    return nn.Sequential(
        first,
        nn.Unflatten(1, (1, 4)),
        second,
        nn.Linear(8, 5),
        nn.BatchNorm1d(5, momentum=0.2),
        nn.Softplus(),
    ).double()


def samples(batch=12):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, 3, 4, 4, dtype=torch.float64, generator=generator)


class Ghosts(nn.Module):
    """What is expected: a network with plain batch norm that sees one ghost after another in training."""

    def __init__(self, network, size=4):
        super().__init__()
        self.network, self.size = network, size

    def forward(self, x):
        return torch.cat([self.network(part) for part in x.split(self.size if self.training else len(x))])


def pair(training):
    """A network in ghosts of 4, and what is expected of it."""
    plain = network().train(training)
    return convert(copy.deepcopy(plain), 4), Ghosts(plain).train(training)


def updated(model, x, buffers=None):
    """Outputs and gradients of a loss, and the buffers afterwards (of another module, if given)."""
    y = model(x)
    parameters = list(model.parameters())
    gradients = torch.autograd.grad(y.square().sum(), parameters) if y.requires_grad else []
    return y.detach(), list(gradients), list((buffers or model).buffers())


def compiled(model, x=None):
    torch.compiler.reset()  # else the networks of other tests count towards a limit
    return torch.compile(model, fullgraph=True, backend="aot_eager")
