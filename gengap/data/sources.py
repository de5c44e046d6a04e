"""The data sets as uint8 arrays. torchvision is imported only where it downloads and reads."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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

    def split(train: bool) -> Images:
        try:
            found = MNIST(str(root), train=train, download=True)
        except (RuntimeError, OSError) as error:
            raise _missing("MNIST", root / "MNIST" / "raw") from error
        return Images(found.data.numpy()[..., None], found.targets.numpy().astype(np.int64))

    return Source(split(True), split(False), 10)


def _missing(name: str, folder: Path) -> UserError:
    return UserError(
        f"{name} is not in {folder} and could not be downloaded: connect to a network and try again, "
        "or set data.root=DIR to the folder that holds it"
    )


SOURCES: dict[str, Callable[[Path], Source]] = {"digits": digits, "mnist": mnist}


def load(name: str, root: str) -> Source:
    """Load a data set by name.

    Raises:
        UserError: unknown name, or neither found under `root` nor downloadable.
    """
    if name not in SOURCES:
        raise UserError(f"data.name={name} is unknown: set it to one of {', '.join(SOURCES)}")
    return SOURCES[name](Path(root).expanduser())
