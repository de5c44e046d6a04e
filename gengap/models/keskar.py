"""The convolutional networks C1 to C4 of Keskar et al. 2017, for 3x32x32 images."""

from collections.abc import Iterator

from torch import nn

from gengap.models.vgg import STACKS


def c1(num_classes: int) -> nn.Sequential:
    """Build the AlexNet-like C1 as released by Hoffer et al.: two 5x5 convolutions, 384 and 192 dense units.

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


def keskar_c1(num_classes: int) -> nn.Sequential:
    """Build the AlexNet-like C1 as released by Keskar et al.: batch norm before pooling, biases everywhere.

    1 757 834 parameters with 10 classes (C1), 1 775 204 with 100 (C3). As in their code, initialization
    follows Keras's defaults: weights as in Glorot & Bengio 2010, and zero biases.
    """
    features = [
        *_convolution(3, 64, 5),
        nn.MaxPool2d(3, 2, 1),
        *_convolution(64, 64, 5),
        nn.MaxPool2d(3, 2, 1),
    ]
    return _glorot(
        nn.Sequential(
            *features,
            nn.Flatten(),
            *dense_with_dropout(64 * 8 * 8, 384, bias=True),
            *dense_with_dropout(384, 192, bias=True),
            nn.Linear(192, num_classes),
        )
    )


def c2(num_classes: int) -> nn.Sequential:
    """Build the VGG-like C2 as released by Keskar et al.: VGG16's convolutions, a dense layer of 512 units.

    Dropout is 0.3 after the first convolution, 0.4 after each later one except the last of each stack, and
    0.5 around the dense layer. This is C2 with 10 classes, C4 with 100. Weights are initialized as in
    `keskar_c1`.
    """
    dense = [
        nn.Flatten(),
        nn.Dropout(0.5),
        *dense_with_dropout(512, 512, bias=True),
        nn.Linear(512, num_classes),
    ]
    return _glorot(nn.Sequential(*_stacks(), *dense))


def _stacks() -> Iterator[nn.Module]:
    channels = 3
    for width, convolutions in STACKS:
        for left in range(convolutions - 1, -1, -1):
            yield from _convolution(channels, width, 3)
            if left:
                yield nn.Dropout(0.3 if channels == 3 else 0.4)
            channels = width
        yield nn.MaxPool2d(2)


def _convolution(channels: int, width: int, kernel: int) -> list[nn.Module]:
    convolution = nn.Conv2d(channels, width, kernel, padding=kernel // 2)
    return [convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]


def _pooled_convolution(channels: int, width: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, width, 5, padding=2, bias=False),
        nn.MaxPool2d(3, 2),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    ]


def dense_with_dropout(features: int, width: int, *, bias: bool = False) -> list[nn.Module]:
    """Build Linear from (B, features) to (B, width), batch norm, ReLU, and dropout with p = 0.5."""
    return [
        nn.Linear(features, width, bias=bias),
        nn.BatchNorm1d(width),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
    ]


def _glorot(network: nn.Sequential) -> nn.Sequential:
    for module in network:
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network
