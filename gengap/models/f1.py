"""F1, the fully connected network of Keskar et al. 2017: five hidden layers with batch norm."""

from torch import nn


def f1(num_classes: int, in_features: int = 784, width: int = 512, depth: int = 5) -> nn.Sequential:
    """Build Flatten, `depth` x [Linear, BN, ReLU], Linear; by default as in the paper: 1 462 794 parameters.

    Args:
        num_classes: number of logits.
        in_features: number of values per image, channels x height x width.
        width: number of units per hidden layer.
        depth: number of hidden layers.
    """
    layers: list[nn.Module] = [nn.Flatten()]
    for fan_in in [in_features] + [width] * (depth - 1):
        layers += [nn.Linear(fan_in, width), nn.BatchNorm1d(width), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.Linear(width, num_classes))
