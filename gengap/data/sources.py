"""The data sets: what a run trains on and is measured on, before anything of it is on the device."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gengap.imported import imported


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
class Photographs:
    """Image files of any size by their paths (N,), with labels (N,) int64; decoded when they are needed."""

    paths: NDArray[np.object_]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.int64]) -> "Photographs":
        """The photographs at these indices."""
        return Photographs(self.paths[indices], self.labels[indices])


@dataclass(frozen=True)
class Source:
    """A data set with its training and test split."""

    train: Images | Photographs
    test: Images | Photographs
    num_classes: int


SOURCES = {
    "digits": "gengap.data.digits:digits",
    "mnist": "gengap.data.downloaded:mnist",
    "cifar10": "gengap.data.downloaded:cifar10",
    "cifar100": "gengap.data.downloaded:cifar100",
    "imagenet": "gengap.data.folders:imagenet",
}


def load(name: str, root: str, folder: str = "") -> Source:
    """Load a data set from `folder` under `root`.

    Args:
        name: a key of SOURCES, or `package.module:factory`, called as factory(Path of the folder) -> Source.
        root: the user's home may be written as ~.
        folder: relative to root.

    Raises:
        UserError: unknown name, not found there and not downloadable, damaged, or not what a Source must be.
    """
    from gengap.data.valid import check_source  # which needs Source

    factory = imported("data.name", SOURCES.get(name, name), SOURCES)
    return check_source(name, factory(Path(root).expanduser() / folder))
