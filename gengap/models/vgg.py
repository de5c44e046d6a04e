"""VGG16 with batch norm for 32x32 images and one Linear layer; the paper's own variant was never released."""

from torch import nn

STACKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels, convolutions


def vgg(num_classes: int) -> nn.Sequential:
    """Five stacks of 3x3 convolutions with batch norm, flatten, Linear 512-classes. 14.7 M parameters."""
    return nn.Sequential(*stacks(), nn.Flatten(), nn.Linear(512, num_classes))


def stacks() -> list[nn.Module]:
    """VGG16's convolutions, maxpool 2 after each stack: (B, 3, 32, 32) to (B, 512, 1, 1).

    Initialised by fan-out (He et al. 2015).
    """
    layers: list[nn.Module] = []
    channels = 3
    for width, convolutions in STACKS:
        for _ in range(convolutions):
            convolution = nn.Conv2d(channels, width, 3, padding=1, bias=False)
            nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
            layers += [convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return layers
