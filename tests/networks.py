"""Networks that tests name as users do, by package.module:factory."""

from torch import nn


def with_dropout(num_classes: int, in_features: int, width: int) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(in_features, width), nn.Dropout(0.5), nn.ReLU(), nn.Linear(width, num_classes)
    )


def norm_and_dropout(num_classes: int, in_features: int, width: int) -> nn.Module:
    """Batch norm, and dropout of images and of features."""
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1),
        nn.Dropout(0.1),
        nn.Flatten(),
        nn.Linear(2 * in_features, width // 16),
        nn.BatchNorm1d(width // 16),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(width // 16, num_classes),
    )


def linear(num_classes: int, in_features: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(in_features, num_classes))


def convolutional(num_classes: int, in_features: int, width: int) -> nn.Module:
    """Convolutions and both kinds of batch norm, for images with one channel."""
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
    """A small network with Alexnet's kinds of layers, for images of any size."""
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


def features_only(num_classes: int) -> nn.Module:
    """Features instead of logits."""
    return small_alexnet(num_classes)[:5]


class _TupleOutput(nn.Module):
    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.network = small_alexnet(num_classes)

    def forward(self, images):
        return self.network(images), images


def tuple_output(num_classes: int) -> nn.Module:
    """A tuple of logits and something else."""
    return _TupleOutput(num_classes)


def keyword_only(*, num_classes: int) -> nn.Module:
    return small_alexnet(num_classes)


def positional_only(num_classes: int = 10, /) -> nn.Module:
    return small_alexnet(num_classes)


def other_name(classes, width=16):
    return small_alexnet(classes)


def after_its_options(width, classes):
    return small_alexnet(classes)


def any_keyword(**options) -> nn.Module:
    return small_alexnet(**options)


def named_model(name: str, **options) -> nn.Module:
    assert name == "small"
    return small_alexnet(**options)


def two_numbers(classes=10, width=16):
    return small_alexnet(classes)


def no_number():
    return small_alexnet(10)


def without_batch_norm(num_classes: int) -> nn.Module:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, num_classes))
