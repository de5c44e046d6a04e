"""Training and validation sets of a run."""

from dataclasses import dataclass

import numpy as np

from gengap.config.schema import Data
from gengap.data.sources import ImageFiles, Images, Source
from gengap.errors import UserError
from gengap.randomness import Purpose, generator


@dataclass(frozen=True)
class Splits:
    """The training and validation sets of a run."""

    train: Images | ImageFiles
    validation: Images | ImageFiles


def training_samples(images: int, config: Data) -> int:
    """Number of a data set's training images left to train on after `data.holdout` and `data.limit`.

    Raises:
        UserError: these ask for more images than there are.
    """
    if config.holdout >= images:
        raise UserError(
            f"data.holdout={config.holdout} leaves none of the {images} training images: lower it"
        )
    left = images - config.holdout
    if config.limit is None:
        return left
    if config.limit > left:
        raise UserError(f"data.limit={config.limit} is more than the {left} training images: lower it")
    return config.limit


def split(source: Source, config: Data, seed: int) -> Splits:
    """Choose the training and validation sets.

    The validation set is the test split, as in the paper, or, with `data.holdout`, that many randomly chosen
    training images, which are excluded from training. `data.limit` then keeps only the first training images.

    Args:
        source: the data set.
        config: provides `holdout` and `limit`, in images.
        seed: seed of the random choice.

    Raises:
        UserError: data.holdout or data.limit asks for more training images than there are.
    """
    train, validation = source.train, source.test
    samples = training_samples(len(train), config)
    if config.holdout:
        order = generator(seed, Purpose.HOLDOUT, 0).permutation(len(train))
        validation = train.take(np.sort(order[: config.holdout]))
        train = train.take(np.sort(order[config.holdout :]))
    if samples < len(train):
        train = train.take(np.arange(samples))
    return Splits(train, validation)
