"""Training and validation set of a run."""

from dataclasses import dataclass

import numpy as np

from gengap.config.schema import Data
from gengap.data.sources import ImageFiles, Images, Source
from gengap.errors import UserError
from gengap.randomness import Purpose, generator


@dataclass(frozen=True)
class Splits:
    """What a run trains on and what it is validated on."""

    train: Images | ImageFiles
    validation: Images | ImageFiles


def split(source: Source, config: Data, seed: int) -> Splits:
    """Choose the training and validation set.

    The validation set is the test split, as in the paper; with `data.holdout`, that many randomly chosen
    training images instead, which are not trained on. `data.limit` then keeps the first training images only.

    Args:
        source: the data set.
        config: `holdout` and `limit`, in images.
        seed: of the random choice.

    Raises:
        UserError: data.holdout or data.limit asks for more training images than there are.
    """
    train, validation = source.train, source.test
    if config.holdout:
        if config.holdout >= len(train):
            raise UserError(
                f"data.holdout={config.holdout} leaves none of the {len(train)} training images: lower it"
            )
        order = generator(seed, Purpose.HOLDOUT, 0).permutation(len(train))
        validation = train.take(np.sort(order[: config.holdout]))
        train = train.take(np.sort(order[config.holdout :]))
    if config.limit is not None:
        if config.limit > len(train):
            raise UserError(
                f"data.limit={config.limit} is more than the {len(train)} training images: lower it"
            )
        train = train.take(np.arange(config.limit))
    return Splits(train, validation)
