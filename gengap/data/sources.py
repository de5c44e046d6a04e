"""Types that represent any data set: images or image files, with labels, in two splits."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

EVERY = slice(None)


@dataclass(frozen=True)
class Images:
    """Images (N, H, W, C) uint8 with labels (N,) int64."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.int64]) -> "Images":
        """Select the images at these indices (M,), in this order."""
        return Images(self.images[indices], self.labels[indices])


class Contents(Protocol):
    """Storage for the contents of image files that are not stored at their paths."""

    digest: str  # covers everything in these files

    def read(self, path: str) -> bytes:
        """Read the content of a file."""


@dataclass(frozen=True)
class ImageFiles:
    """Image files of any size: paths (N,) of dtype object, labels (N,) int64; decoded when needed."""

    paths: NDArray[np.object_]
    labels: NDArray[np.int64]
    contents: Contents | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.int64]) -> "ImageFiles":
        """Select the image files at these indices (M,), in this order."""
        return ImageFiles(self.paths[indices], self.labels[indices], self.contents)


@dataclass(frozen=True)
class Source:
    """A data set: its training and test splits and number of classes; labels are 0 to num_classes - 1.

    class_names lists the classes by label, if known; it is kept in the record of a run.
    """

    train: Images | ImageFiles
    test: Images | ImageFiles
    num_classes: int
    class_names: tuple[str, ...] = ()
