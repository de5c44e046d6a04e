"""A run's network before its first update."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from gengap.config.schema import Config
from gengap.models import build
from gengap.randomness import Purpose, generator, key
from gengap.training.model_options import fitting_options


def build_network(config: Config, num_classes: int) -> nn.Module:
    """Build the network with its run's initial weights, on the CPU and without ghost batch norm.

    Raises:
        UserError: the network can't be built.
    """
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(key(config.seed, Purpose.INIT, 0))
        network = build(config.model.name, num_classes, **fitting_options(config))
    if config.protocol.bn_weight == "uniform":
        _draw_bn_weights(network, config.seed)
    return network


@torch.no_grad()
def _draw_bn_weights(network: nn.Module, seed: int) -> None:
    """Draw batch norm weights from U(0, 1), torch's default until 2018."""
    for place, module in enumerate(m for m in network.modules() if isinstance(m, _BatchNorm)):
        if module.affine:
            drawn = generator(seed, Purpose.BN_WEIGHT, place).random(module.num_features)
            module.weight.copy_(torch.from_numpy(drawn))
