"""The data sets as uint8 arrays. torchvision is imported only where it downloads and reads."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gengap.errors import UserError


@dataclass(frozen=True)
class Images:
    """Images (N, H, W, C) uint8 with labels (N,) int64."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.int64]) -> "Images":
        """The images at these indices."""
        return Images(self.images[indices], self.labels[indices])


@dataclass(frozen=True)
class Source:
    """A data set with its training and test split."""

    train: Images
    test: Images
    num_classes: int


def digits(root: Path) -> Source:
    """scikit-learn's bundled 8x8 digits (1797), split 80/20, stratified, the same for every seed."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    images = np.round(pixels * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)
    train, test = train_test_split(np.arange(len(labels)), test_size=0.2, stratify=labels, random_state=0)
    everything = Images(images, labels.astype(np.int64))
    return Source(everything.take(np.sort(train)), everything.take(np.sort(test)), 10)


def mnist(root: Path) -> Source:
    """MNIST: 60 000 and 10 000 images of 28x28x1."""
    from torchvision.datasets import MNIST

    return _downloaded(MNIST, root, 10)


def cifar10(root: Path) -> Source:
    """CIFAR-10: 50 000 and 10 000 images of 32x32x3."""
    from torchvision.datasets import CIFAR10

    return _downloaded(CIFAR10, root, 10)


def cifar100(root: Path) -> Source:
    """CIFAR-100: 50 000 and 10 000 images of 32x32x3."""
    from torchvision.datasets import CIFAR100

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


SOURCES: dict[str, Callable[[Path], Source]] = {
    "digits": digits,
    "mnist": mnist,
    "cifar10": cifar10,
    "cifar100": cifar100,
}


def load(name: str, root: str) -> Source:
    """Load a data set by name.

    Raises:
        UserError: unknown name, or neither found under `root` nor downloadable.
    """
    if name not in SOURCES:
        raise UserError(f"data.name={name} is unknown: set it to one of {', '.join(SOURCES)}")
    return SOURCES[name](Path(root).expanduser())
