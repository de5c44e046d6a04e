from dataclasses import replace

import numpy as np
import pytest
import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as tf

from gengap.batches import Batches
from gengap.config.schema import Data
from gengap.data.augmentation import FlipAndNormalize
from gengap.data.resident import Resident
from gengap.data.sources import Images
from gengap.data.stream import Stream
from gengap.errors import UserError

CPU = torch.device("cpu")


def test_channels_first_arrays_are_told_the_order_of_the_axes():
    config = Data(name="own:np", mean=[0.5], std=[0.5])
    with pytest.raises(UserError, match=r"8 channels: .* \(arrays are \(N, height, width, chan"):
        FlipAndNormalize(config, 8, CPU)


def images(count=20, channels=3, size=8):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (count, size, size, channels), dtype=np.uint8)
    return Images(pixels, rng.integers(0, 10, count))


CONFIG = Data(
    name="test", crop_padding=2, pad_value=127, flip=True, mean=[0.4, 0.5, 0.6], std=[0.2, 0.25, 0.3]
)


@pytest.mark.parametrize(("first_only", "fill"), [(False, [127, 127, 127]), (True, [127, 0, 0])])
def test_a_batch_equals_torchvision_s_transforms_image_by_image(first_only, fill):
    data = images()
    config = replace(CONFIG, pad_first_channel=first_only)
    stream, resident = Stream(0, Batches(20, (15,)), 5), Resident(data, config, CPU, augment=True)
    drawn = stream.batch(1)  # spans two epochs
    found, labels = resident.preprocess(next(resident.batches(stream, 1)))
    preprocess = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(CONFIG.mean, CONFIG.std)])
    for k, (index, (row, column), flip) in enumerate(
        zip(drawn.indices, drawn.offsets, drawn.flips, strict=True)
    ):
        image = torch.from_numpy(data.images[index]).permute(2, 0, 1)
        image = tf.crop(tf.pad(image, [2, 2, 2, 2], fill=fill), int(row), int(column), 8, 8)
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


@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 14)])
@pytest.mark.parametrize(("rotation", "shift"), [(10, 0.2), (180, 0), (0, 0.2)])
def test_rotation_and_shift_equal_torchvision_s_affine_image_by_image(rotation, shift, height, width):
    pixels = np.random.default_rng(0).integers(0, 256, (20, height, width, 3), dtype=np.uint8)
    config = replace(CONFIG, rotation=rotation, shift=shift, pad_first_channel=True)
    fill = torch.tensor([127, 0, 0]).view(3, 1, 1)
    resident = Resident(Images(pixels, np.arange(20)), config, CPU, augment=True)
    stream = Stream(0, Batches(20, (15,)), resident.crop_positions, moving=resident.moving)
    drawn = stream.batch(1)
    found, _ = resident.preprocess(next(resident.batches(stream, 1)))
    for k, (index, (row, column), flip, motion) in enumerate(
        zip(drawn.indices, drawn.offsets, drawn.flips, drawn.motions.astype(float), strict=True)
    ):
        image = torch.from_numpy(pixels[index]).permute(2, 0, 1)
        image = tf.crop(tf.pad(image, [2, 2, 2, 2], fill=[127, 0, 0]), int(row), int(column), height, width)
        image = (tf.horizontal_flip(image) if flip else image).float()
        angle, right, down = rotation * motion[0], shift * width * motion[1], shift * height * motion[2]
        # Padded with zeros, because torchvision weights a pixel on the border twice where there is a fill
        moved = fill + tf.affine(
            image - fill, angle, [right, down], 1, [0, 0], interpolation=v2.InterpolationMode.BILINEAR
        )
        expected = tf.normalize(moved / 255, CONFIG.mean, CONFIG.std)
        torch.testing.assert_close(found[k], expected, rtol=0, atol=2e-3)


def test_evaluation_neither_rotates_nor_shifts():
    data, moving = images(), replace(CONFIG, rotation=10, shift=0.2)
    for augment in (True, False):
        found = [b for b, _ in Resident(data, moving, CPU, augment=augment).evaluation_batches(7)]
        plain = [b for b, _ in Resident(data, CONFIG, CPU, augment=augment).evaluation_batches(7)]
        torch.testing.assert_close(torch.cat(found), torch.cat(plain), rtol=0, atol=0)
