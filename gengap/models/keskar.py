"""Keskar et al. 2017's convolutional networks for 32x32 images: C1, C3 (AlexNet-like), C2, C4 (VGG-like)."""

from torch import nn

from gengap.models.vgg import stacks


def c1(num_classes: int) -> nn.Sequential:
    """Two 5x5 convolutions of 64 channels, dense 384 and 192 with dropout; batch norm after pooling.

    1 388 490 parameters with 10 classes (C1), 1 405 860 with 100 (C3).
    """
    return nn.Sequential(
        *_pooled_convolution(3, 64),
        *_pooled_convolution(64, 64),
        nn.Flatten(),
        *_dropped_dense(64 * 7 * 7, 384),
        *_dropped_dense(384, 192),
        nn.Linear(192, num_classes),
    )


def c2(num_classes: int) -> nn.Sequential:
    """VGG-like: VGG16's convolutions and a dense layer of 512; C2 with 10 classes, C4 with 100.

    Keskar et al. name batch norm and dropout and no more; as in C1, dropout is 0.5 after the dense layer.
    """
    return nn.Sequential(*stacks(), nn.Flatten(), *_dropped_dense(512, 512), nn.Linear(512, num_classes))


def _pooled_convolution(channels: int, width: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, width, 5, padding=2, bias=False),
        nn.MaxPool2d(3, 2),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    ]


def _dropped_dense(features: int, width: int) -> list[nn.Module]:
    return [
        nn.Linear(features, width, bias=False),
        nn.BatchNorm1d(width),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
    ]
