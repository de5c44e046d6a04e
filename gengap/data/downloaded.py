"""MNIST and CIFAR, downloaded and read by torchvision."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from torchvision.datasets import CIFAR10, CIFAR100, MNIST

from gengap.data.sources import Images, Source
from gengap.errors import UserError


def mnist(root: Path) -> Source:
    """MNIST: 60 000 and 10 000 images of 28x28x1."""
    return _downloaded(MNIST, root, 10)


def cifar10(root: Path) -> Source:
    """CIFAR-10: 50 000 and 10 000 images of 32x32x3."""
    return _downloaded(CIFAR10, root, 10)


def cifar100(root: Path) -> Source:
    """CIFAR-100: 50 000 and 10 000 images of 32x32x3."""
    return _downloaded(CIFAR100, root, 100)


def _downloaded(dataset: Callable[..., Any], root: Path, num_classes: int) -> Source:
    """Both splits of a torchvision data set that fits into memory, downloaded and md5-checked if need be."""

    def images(train: bool) -> Images:
        try:
            found = dataset(str(root), train=train, download=True)
        except (RuntimeError, OSError) as error:
            name = getattr(dataset, "__name__", "the data set")
            raise UserError(
                f"{name} is not in {root} and could not be downloaded: connect to a network and try again, "
                "or set data.root=DIR to the folder that holds it as torchvision.datasets lays it out"
            ) from error
        pixels = np.asarray(found.data, dtype=np.uint8)
        return Images(pixels if pixels.ndim == 4 else pixels[..., None], np.asarray(found.targets, np.int64))

    return Source(images(True), images(False), num_classes)
