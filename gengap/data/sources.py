"""The data sets: what a run trains on and is measured on, before anything of it is on the device."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
