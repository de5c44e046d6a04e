"""What a data set is, wherever it comes from: images or image files, with labels, in two splits."""

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
        """The images at these indices (M,), in this order."""
        return Images(self.images[indices], self.labels[indices])


class Contents(Protocol):
    """Where the contents of image files are, if not at their paths."""

    digest: str  # of all that these files hold

    def read(self, path: str) -> bytes:
        """The content of a file."""


@dataclass(frozen=True)
class ImageFiles:
    """Image files of any size: paths (N,) of dtype object, labels (N,) int64; decoded when needed."""

    paths: NDArray[np.object_]
    labels: NDArray[np.int64]
    contents: Contents | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.int64]) -> "ImageFiles":
        """The image files at these indices (M,), in this order."""
        return ImageFiles(self.paths[indices], self.labels[indices], self.contents)


@dataclass(frozen=True)
class Source:
    """A data set: its training and test split, and the number of classes; labels are 0 to num_classes - 1.

    class_names: by label, where they are known; kept in the record of a run.
    """

    train: Images | ImageFiles
    test: Images | ImageFiles
    num_classes: int
    class_names: tuple[str, ...] = ()
