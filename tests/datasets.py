"""Data sets that tests name as users do, by package.module:factory."""

from pathlib import Path

import numpy as np

from gengap.data.sources import Images, Source


def stripes(root: Path) -> Source:
    """90 images of 12x10x3 in 3 classes: the class is the brightest channel."""
    labels = np.arange(90, dtype=np.int64) % 3
    pixels = np.full((90, 12, 10, 3), 20, np.uint8)
    pixels[np.arange(90), :, :, labels] = 220
    return Source(Images(pixels[:60], labels[:60]), Images(pixels[60:], labels[60:]), 3)


def without_folder() -> Source:
    """A factory that lacks its argument."""
    return stripes(Path())
