import numpy as np
import pytest
import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as tf

from gengap.config.schema import Data
from gengap.data.load import load
from gengap.data.resident import Resident, split
from gengap.data.sources import Images, Source
from gengap.data.stream import Stream
from gengap.errors import UserError

CPU = torch.device("cpu")


def images(count=20, channels=3, size=8):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (count, size, size, channels), dtype=np.uint8)
    return Images(pixels, rng.integers(0, 10, count))


CONFIG = Data(
    name="test", crop_padding=2, pad_value=127, flip=True, mean=[0.4, 0.5, 0.6], std=[0.2, 0.25, 0.3]
)


def test_a_batch_equals_torchvision_s_transforms_image_by_image():
    data = images()
    stream, resident = Stream(0, 20, 15, 5, False), Resident(data, CONFIG, CPU, augment=True)
    batch = stream.batch(1)  # spans two epochs
    found, labels = resident.finish(next(resident.arrivals(stream, 1)))
    finish = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(CONFIG.mean, CONFIG.std)])
    for k, (index, (row, column), flip) in enumerate(
        zip(batch.indices, batch.offsets, batch.flips, strict=True)
    ):
        image = torch.from_numpy(data.images[index]).permute(2, 0, 1)
        image = tf.crop(tf.pad(image, [2, 2, 2, 2], fill=127), int(row), int(column), 8, 8)
        image = tf.horizontal_flip(image) if flip else image
        torch.testing.assert_close(found[k], finish(image), rtol=1e-6, atol=1e-6)
        assert labels[k] == data.labels[index]
    assert batch.flips.any()
    assert not batch.flips.all()


@pytest.mark.parametrize("augment", [True, False])
def test_in_order_gives_every_image_once_as_it_is(augment):
    data = images()
    chunks = list(Resident(data, CONFIG, CPU, augment=augment).in_order(7))
    assert [len(c[1]) for c in chunks] == [7, 7, 6]
    plain = torch.from_numpy(data.images).permute(0, 3, 1, 2).float() / 255
    expected = (plain - torch.tensor(CONFIG.mean).view(-1, 1, 1)) / torch.tensor(CONFIG.std).view(-1, 1, 1)
    torch.testing.assert_close(torch.cat([c[0] for c in chunks]), expected)
    np.testing.assert_array_equal(torch.cat([c[1] for c in chunks]), data.labels)


def test_the_holdout_is_cut_from_the_training_images_and_follows_the_seed():
    train, test = images(50), images(10)
    train.labels[:] = np.arange(50)
    source = Source(train, test, 10)
    found = split(source, Data(holdout=20), seed=0)
    assert (len(found.train), len(found.validation)) == (30, 20)
    assert sorted([*found.train.labels, *found.validation.labels]) == list(range(50))
    again, other = split(source, Data(holdout=20), 0), split(source, Data(holdout=20), 1)
    np.testing.assert_array_equal(found.validation.labels, again.validation.labels)
    assert not np.array_equal(found.validation.labels, other.validation.labels)
    assert split(source, Data(), 0).validation is test
    assert len(split(source, Data(limit=7), 0).train) == 7
    for wrong in (Data(holdout=50), Data(limit=51)):
        with pytest.raises(UserError):
            split(source, wrong, 0)


def test_digits_are_split_the_same_way_for_ever():
    source = load("digits", "unused")
    assert (len(source.train), len(source.test)) == (1437, 360)
    assert source.train.images.shape == (1437, 8, 8, 1)
    assert source.train.images.max() == 255
    counts = np.bincount(source.test.labels)
    whole = np.bincount(np.concatenate([source.train.labels, source.test.labels]))
    np.testing.assert_allclose(counts, whole / 5, atol=1)  # stratified
    assert source.test.labels[:10].tolist() == DIGITS_GOLDEN


DIGITS_GOLDEN = [1, 4, 8, 6, 5, 9, 9, 1, 3, 2]


def test_an_unknown_data_set_is_the_user_s_mistake():
    with pytest.raises(UserError, match="one of digits, mnist"):
        load("imagenet21k", "unused")
