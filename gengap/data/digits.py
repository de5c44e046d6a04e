"""scikit-learn's bundled digits, the demo's data set.

Importing scikit-learn takes seconds, so its image file is read directly, and its split is stored here as a
file.
"""

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gengap.data.sources import Images, Source


def digits(root: Path) -> Source:
    """Load 1437 training and 360 test images (8x8x1) in 10 classes, in one stratified split for all seeds.

    Nothing is read from `root`: the images come with scikit-learn.
    """
    rows = np.loadtxt(_bundled(), delimiter=",", dtype=np.int64)  # 64 pixels in 0..16, then the label
    images = np.round(rows[:, :-1] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)
    everything, test = Images(images, rows[:, -1]), _test_indices()
    return Source(everything.take(np.setdiff1d(np.arange(len(rows)), test)), everything.take(test), 10)


def _bundled() -> Path:
    package = find_spec("sklearn")
    assert package is not None  # gengap depends on it
    assert package.origin is not None
    return Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"


def _test_indices() -> NDArray[np.int64]:
    """Sorted test indices of train_test_split(test_size=0.2, stratify=labels, random_state=0)."""
    text = files("gengap.data").joinpath("digits_test.txt").read_text(encoding="utf-8")
    return np.array(text.split(), dtype=np.int64)
