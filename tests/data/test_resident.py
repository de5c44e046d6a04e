import numpy as np
import pytest
import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as tf

from gengap.config.schema import Data
from gengap.data.resident import Resident
from gengap.data.sources import Images
from gengap.data.stream import Stream

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
    drawn = stream.batch(1)  # spans two epochs
    found, labels = resident.preprocess(next(resident.batches(stream, 1)))
    preprocess = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(CONFIG.mean, CONFIG.std)])
    for k, (index, (row, column), flip) in enumerate(
        zip(drawn.indices, drawn.offsets, drawn.flips, strict=True)
    ):
        image = torch.from_numpy(data.images[index]).permute(2, 0, 1)
        image = tf.crop(tf.pad(image, [2, 2, 2, 2], fill=127), int(row), int(column), 8, 8)
        image = tf.horizontal_flip(image) if flip else image
        torch.testing.assert_close(found[k], preprocess(image), rtol=1e-6, atol=1e-6)
        assert labels[k] == data.labels[index]
    assert drawn.flips.any()
    assert not drawn.flips.all()


@pytest.mark.parametrize("augment", [True, False])
def test_evaluation_gives_every_image_once_as_it_is(augment):
    data = images()
    batches = list(Resident(data, CONFIG, CPU, augment=augment).evaluation_batches(7))
    assert [len(b[1]) for b in batches] == [7, 7, 6]
    plain = torch.from_numpy(data.images).permute(0, 3, 1, 2).float() / 255
    expected = (plain - torch.tensor(CONFIG.mean).view(-1, 1, 1)) / torch.tensor(CONFIG.std).view(-1, 1, 1)
    torch.testing.assert_close(torch.cat([b[0] for b in batches]), expected)
    np.testing.assert_array_equal(torch.cat([b[1] for b in batches]), data.labels)
