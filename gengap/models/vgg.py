"""VGG16 with batch norm for 3x32x32 images; the paper does not say which VGG it used."""

from torch import nn

STACKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels and number of convolutions


def vgg(num_classes: int) -> nn.Sequential:
    """Build VGG16's convolutions with batch norm, and one Linear layer; 14.7 M parameters."""
    return nn.Sequential(*vgg16_features(), nn.Flatten(), nn.Linear(512, num_classes))


def vgg16_features() -> list[nn.Module]:
    """Build VGG16's five stacks of 3x3 convolutions with batch norm, each followed by 2x2 max pooling.

    They map (B, 3, 32, 32) to (B, 512, 1, 1). Weights use He et al. (2015) initialization with fan-out.
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
