"""Networks that the tests name as a user would: package.module:factory."""

from torch import nn


def dropped(num_classes: int, in_features: int, width: int) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(in_features, width), nn.Dropout(0.5), nn.ReLU(), nn.Linear(width, num_classes)
    )


def convolutional(num_classes: int, in_features: int, width: int) -> nn.Module:
    """Convolutions and both kinds of batch norm, for images of one channel."""
    return nn.Sequential(
        nn.Conv2d(1, width // 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(width // 16),
        nn.ReLU(),
        nn.Conv2d(width // 16, width // 8, 3, stride=2, padding=1),
        nn.BatchNorm2d(width // 8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(in_features * width // 32, 16),
        nn.BatchNorm1d(16),
        nn.ReLU(),
        nn.Linear(16, num_classes),
    )


def small_alexnet(num_classes: int) -> nn.Module:
    """Alexnet's kinds of layers for photographs of any size, small."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, 4, 2, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(3),
        nn.Flatten(),
        nn.Linear(72, 16, bias=False),
        nn.BatchNorm1d(16),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(16, num_classes),
    )


def headless(num_classes: int) -> nn.Module:
    """No logits, but features."""
    return small_alexnet(num_classes)[:5]


class _Tupled(nn.Module):
    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.network = small_alexnet(num_classes)

    def forward(self, images):
        return self.network(images), images


def tupled(num_classes: int) -> nn.Module:
    """Logits and something else."""
    return _Tupled(num_classes)
