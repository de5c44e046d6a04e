"""Random images of a data set's shape, on which every side trains."""

import numpy as np

from gengap.bench.cases import SHAPES
from gengap.data.sources import Images, Source


def random_images(name: str) -> tuple[Images, int]:
    """Generate random images and labels of a data set's shape; return them and its number of classes."""
    samples, *shape, classes = SHAPES[name]
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (samples, *shape), dtype=np.uint8)
    return Images(pixels, generator.integers(0, classes, samples)), classes


def source_of(images: Images, classes: int) -> Source:
    """Make a data set of these images, whose first ones also serve as its test split."""
    return Source(images, images.take(np.arange(min(1000, len(images)))), classes)
