"""Alexnet with batch norm for 224x224 images, as the released code builds it."""

from torch import nn


def alexnet(num_classes: int) -> nn.Sequential:
    """Five convolutions, three dense layers; 61 110 184 parameters with 1000 classes.

    Batch norm stands before ReLU in the first convolution and in the dense layers, after it elsewhere.
    """
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2, bias=False),
        nn.MaxPool2d(3, 2),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.Conv2d(64, 192, 5, padding=2, bias=False),
        nn.MaxPool2d(3, 2),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(192),
        *_convolution(192, 384),
        *_convolution(384, 256),
        nn.Conv2d(256, 256, 3, padding=1, bias=False),
        nn.MaxPool2d(3, 2),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(256),
        nn.Flatten(),
        *_dropped_dense(256 * 6 * 6),
        *_dropped_dense(4096),
        nn.Linear(4096, num_classes),
    )


def _convolution(channels: int, width: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, width, 3, padding=1, bias=False),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(width),
    ]


def _dropped_dense(features: int) -> list[nn.Module]:
    return [
        nn.Linear(features, 4096, bias=False),
        nn.BatchNorm1d(4096),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
    ]
