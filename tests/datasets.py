"""Data sets that the tests name as a user would: package.module:factory."""

from pathlib import Path

import numpy as np

from gengap.data.sources import Images, Source


def stripes(root: Path) -> Source:
    """Images of 12x10 with 3 channels and 3 classes, the brightest channel."""
    labels = np.arange(90, dtype=np.int64) % 3
    pixels = np.full((90, 12, 10, 3), 20, np.uint8)
    pixels[np.arange(90), :, :, labels] = 220
    return Source(Images(pixels[:60], labels[:60]), Images(pixels[60:], labels[60:]), 3)


def homeless() -> Source:
    """A factory that forgets its argument."""
    return stripes(Path())
