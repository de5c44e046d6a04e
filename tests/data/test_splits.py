import numpy as np
import pytest

from gengap.config.schema import Data
from gengap.data.sources import Images, Source
from gengap.data.splits import split
from gengap.errors import UserError


def test_the_holdout_is_cut_from_the_training_images_and_follows_the_seed():
    train, test = (Images(np.zeros((n, 2, 2, 1), np.uint8), np.arange(n)) for n in (50, 10))
    source = Source(train, test, 50)
    found = split(source, Data(holdout=20), seed=0)
    assert (len(found.train), len(found.validation)) == (30, 20)
    assert sorted([*found.train.labels, *found.validation.labels]) == list(range(50))
    again, other = split(source, Data(holdout=20), 0), split(source, Data(holdout=20), 1)
    np.testing.assert_array_equal(found.validation.labels, again.validation.labels)
    assert not np.array_equal(found.validation.labels, other.validation.labels)
    assert split(source, Data(), 0).validation is test
    assert len(split(source, Data(limit=7), 0).train) == 7
    for wrong in (Data(holdout=50), Data(limit=51)):
        with pytest.raises(UserError, match="50 training images: lower it"):
            split(source, wrong, 0)
