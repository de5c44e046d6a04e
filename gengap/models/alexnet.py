"""AlexNet with batch norm for 3x224x224 images, as in the paper's released code."""

from torch import nn

from gengap.models.keskar import dense_with_dropout


def alexnet(num_classes: int) -> nn.Sequential:
    """Build AlexNet: five convolutions and three dense layers; 61 110 184 parameters with 1000 classes.

    Batch norm precedes ReLU after the first convolution and the dense layers, and follows it elsewhere.
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
        *dense_with_dropout(256 * 6 * 6, 4096),
        *dense_with_dropout(4096, 4096),
        nn.Linear(4096, num_classes),
    )


def _convolution(channels: int, width: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, width, 3, padding=1, bias=False),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(width),
    ]
