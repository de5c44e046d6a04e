"""Networks that the tests name as a user would: package.module:factory."""

from torch import nn


def dropped(num_classes: int, in_features: int, width: int) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(in_features, width), nn.Dropout(0.5), nn.ReLU(), nn.Linear(width, num_classes)
    )
