"""F1: Keskar et al. 2017's fully connected network, five hidden layers with batch norm."""

from torch import nn


def f1(num_classes: int, in_features: int = 784, width: int = 512, depth: int = 5) -> nn.Sequential:
    """Flatten, `depth` x [Linear, BN, ReLU], Linear. The paper's has 1 462 794 parameters."""
    layers: list[nn.Module] = [nn.Flatten()]
    for fan_in in [in_features] + [width] * (depth - 1):
        layers += [nn.Linear(fan_in, width), nn.BatchNorm1d(width), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.Linear(width, num_classes))
