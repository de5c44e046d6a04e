"""Convolutional networks of Keskar et al. 2017 for images of 3x32x32: C1 to C4."""

from torch import nn

from gengap.models.vgg import vgg16_features


def c1(num_classes: int) -> nn.Sequential:
    """AlexNet-like, as released: two 5x5 convolutions of 64 channels, dense layers of 384 and 192 units.

    Pooling precedes batch norm, and dropout follows the dense layers.
    1 388 490 parameters with 10 classes (C1), 1 405 860 with 100 (C3).
    """
    return nn.Sequential(
        *_pooled_convolution(3, 64),
        *_pooled_convolution(64, 64),
        nn.Flatten(),
        *dense_with_dropout(64 * 7 * 7, 384),
        *dense_with_dropout(384, 192),
        nn.Linear(192, num_classes),
    )


def c2(num_classes: int) -> nn.Sequential:
    """VGG-like: VGG16's convolutions and a dense layer of 512 units; C2 with 10 classes, C4 with 100.

    Keskar et al. mention batch norm and dropout without details; here dropout is that of C1, 0.5 after the
    dense layer.
    """
    return nn.Sequential(
        *vgg16_features(), nn.Flatten(), *dense_with_dropout(512, 512), nn.Linear(512, num_classes)
    )


def _pooled_convolution(channels: int, width: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, width, 5, padding=2, bias=False),
        nn.MaxPool2d(3, 2),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    ]


def dense_with_dropout(features: int, width: int) -> list[nn.Module]:
    """Linear (B, features) to (B, width) without bias, batch norm, ReLU, dropout with p = 0.5."""
    return [
        nn.Linear(features, width, bias=False),
        nn.BatchNorm1d(width),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
    ]
