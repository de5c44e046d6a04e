"""Initial weights: a run's own, or Glorot initialization (Glorot & Bengio 2010)."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from gengap.landscape.settings import Potential
from gengap.landscape.subject import Subject
from gengap.randomness import Purpose, key

GLOROT = 1  # "update" from which its random numbers are derived; the run's own initial weights use 0


def initial_network(subject: Subject, settings: Potential) -> nn.Module:
    """Build a run's network before training, with the initial weights chosen by `settings.initial`."""
    network = subject.initial()
    if settings.initial == "glorot":
        glorot_(network, subject.config.seed)
    return network


@torch.no_grad()
def glorot_(network: nn.Module, seed: int) -> None:
    """Initialize weights in place from U(-a, a) with a = sqrt(6 / (fan_in + fan_out)).

    This applies to linear layers and convolutions, whose biases become 0. Batch norm gets weights 1, biases 0
    and running statistics 0 and 1. Parameters of other layers are left unchanged.
    """
    generator = torch.Generator().manual_seed(key(seed, Purpose.INIT, GLOROT))
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
            # Draw into a new tensor, so that the order of draws doesn't depend on device or memory format
            drawn = nn.init.xavier_uniform_(torch.empty(module.weight.shape), generator=generator)
            module.weight.copy_(drawn)
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, _BatchNorm):
            module.reset_parameters()
