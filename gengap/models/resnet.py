"""Residual networks for 3x32x32 images: Resnet44 (He et al. 2016), and WResnet16-4 as released."""

from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut, with ReLU after the sum (post-activation).

    Args:
        channels: number of input channels.
        width: number of output channels.
        stride: stride of the first convolution; if not 1, the shortcut is a 1x1 convolution with batch norm.
    """

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, H, W) to (B, width, H / stride, W / stride)."""
        residual = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out: Tensor = self.relu(residual + self.shortcut(x))
        return out


class ResNet(nn.Module):
    """A 3x3 convolution, three stages of blocks, average pooling, Linear.

    Convolutions use He et al. (2015) initialization with fan-out.

    Args:
        num_classes: number of logits.
        width: number of channels in the first convolution and stage; the second stage has twice as many, the
            third four times as many.
        blocks_per_stage: number of residual blocks in each stage.
    """

    def __init__(self, num_classes: int, width: int, blocks_per_stage: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        blocks: list[nn.Module] = []
        channels = width
        for stage in range(3):
            for block in range(blocks_per_stage):
                stride = 2 if stage and not block else 1
                blocks.append(BasicBlock(channels, width * 2**stage, stride))
                channels = width * 2**stage
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Map images (B, 3, H, W) to logits (B, num_classes)."""
        features = self.blocks(self.relu(self.bn(self.conv(x))))
        logits: Tensor = self.fc(self.pool(features).flatten(1))
        return logits


def resnet44(num_classes: int) -> ResNet:
    """Build 44 layers with 16, 32 and 64 channels; 661 338 parameters with 10 classes."""
    return ResNet(num_classes, width=16, blocks_per_stage=7)


def wresnet16_4(num_classes: int) -> ResNet:
    """Build 16 layers with 64, 128 and 256 channels; 2 800 804 parameters with 100 classes.

    As in the released code, blocks are post-activation and the first convolution already has 64 channels. The
    WRN-16-4 of Zagoruyko & Komodakis 2016 is pre-activation and has 2 772 020 parameters.
    """
    return ResNet(num_classes, width=64, blocks_per_stage=2)
