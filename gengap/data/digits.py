"""scikit-learn's bundled digits, the data set of the demo."""

from pathlib import Path

import numpy as np

from gengap.data.sources import Images, Source


def digits(root: Path) -> Source:
    """1437 training and 360 test images of 8x8x1 in 10 classes; one stratified split for all seeds.

    Nothing is read from `root`: the images are part of scikit-learn.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    images = np.round(pixels * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)
    train, test = train_test_split(np.arange(len(labels)), test_size=0.2, stratify=labels, random_state=0)
    everything = Images(images, labels.astype(np.int64))
    return Source(everything.take(np.sort(train)), everything.take(np.sort(test)), 10)
