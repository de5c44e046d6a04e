"""Image files in folders against torchvision's ImageFolder and transforms, image by image."""

import math
from dataclasses import replace
from fractions import Fraction
from itertools import islice, zip_longest

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as tf

from gengap.batches import Batches
from gengap.config.compose import compose_config
from gengap.config.identity import run_directory
from gengap.config.schema import Data
from gengap.data.augmentation import moved
from gengap.data.decoded import DecodedImages
from gengap.data.decoder import CROP_POSITIONS, Chunk, Decoder
from gengap.data.folders import imagenet
from gengap.data.stream import Stream
from gengap.errors import UserError
from gengap.faults import MachineError
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome

CPU = torch.device("cpu")
CONFIG = Data(
    name="imagenet", resize=32, crop=28, flip=True, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]
)
PREPROCESS = [v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(CONFIG.mean, CONFIG.std)]
# More workers than cores is what the tests are for
pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three classes of image files of many sizes and modes; val has two of the classes."""
    root = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for split, counts in {"train": {"a": 9, "b": 30, "c": 37}, "val": {"a": 5, "c": 70}}.items():
        for name, count in counts.items():
            (root / "imagenet" / split / name).mkdir(parents=True)
            for k in range(count):
                height, width = rng.integers(24, 80, 2)
                coarse = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
                image = Image.fromarray(coarse).resize((int(width), int(height)), Image.Resampling.BICUBIC)
                mode, suffix = [("RGB", "JPEG"), ("L", "jpg"), ("CMYK", "JPEG"), ("RGBA", "png")][k % 4]
                image.convert(mode).save(root / "imagenet" / split / name / f"{k}.{suffix}")
    return root


def streamed(folder, split="train", workers=0, augment=True):
    source = imagenet(folder / "imagenet")
    images = source.train if split == "train" else source.test
    return DecodedImages(images, CONFIG, CPU, workers, augment=augment)


def stream(images, batch=20):
    return Stream(3, Batches(len(images), (batch,)), images.crop_positions)


def test_streamed_images_are_rotated_and_shifted_as_those_in_memory_are(folder):
    """By the function that test_resident.py compares with torchvision."""
    source = imagenet(folder / "imagenet")
    moving = replace(CONFIG, rotation=10, shift=0.2, pad_value=100, pad_first_channel=True)
    images = DecodedImages(source.train, moving, CPU, 0, augment=True)
    order = Stream(3, Batches(len(images), (20,)), images.crop_positions, moving=images.moving)
    found, _ = images.preprocess(next(images.batches(order, 0)))
    still = streamed(folder)
    plain, _ = still.preprocess(next(still.batches(order, 0)))
    motions = torch.from_numpy(order.batch(0).motions)
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (CONFIG.mean, CONFIG.std))
    pixels = moved(
        255 * (plain * std + mean),
        10 * motions[:, 0],
        0.2 * motions[:, 1:],
        torch.tensor([[[100.0]], [[0.0]], [[0.0]]]),
    )
    torch.testing.assert_close(found, (pixels / 255 - mean) / std, rtol=0, atol=1e-4)
    assert not torch.allclose(found, plain, atol=0.1)


def resized(path):
    """As torchvision resizes a tensor, to the size of the whole image resized; JPEGs decoded at a scale."""
    with Image.open(path) as image:
        height, width = v2.Resize(32)(Image.new("L", image.size)).size[::-1]
        while image.format == "JPEG" and min(image.width // 2 / width, image.height // 2 / height) >= 1:
            image.draft(None, (image.width // 2, image.height // 2))
        return tf.resize(tf.pil_to_tensor(image.convert("RGB")), [height, width])


def in_our_order(reference):
    """The paths and classes of an ImageFolder: the first of every class, the second of every class, ..."""
    names = sorted(reference.samples, key=lambda sample: sample[0])
    of_class = [[s for s in names if s[1] == k] for k in range(len(reference.classes))]
    return [s for turn in zip_longest(*of_class) for s in turn if s is not None]


def test_batches_equal_torchvision_s_transforms_image_by_image(folder):
    images = streamed(folder)
    order, reference = stream(images, 70), in_our_order(ImageFolder(folder / "imagenet" / "train"))
    preprocess = v2.Compose(PREPROCESS[1:])
    for update, batch in enumerate(islice(images.batches(order, 0), 3)):  # more than two epochs
        found, labels = images.preprocess(batch)
        drawn = order.batch(update)
        assert found.shape == (70, *images.shape)
        for k, index in enumerate(drawn.indices):
            path, label = reference[index]
            image = resized(path)
            row, column = (
                math.floor(Fraction(int(offset), CROP_POSITIONS) * (side - 27))
                for offset, side in zip(drawn.offsets[k], image.shape[1:], strict=True)
            )
            image = tf.crop(image, row, column, 28, 28)
            image = tf.horizontal_flip(image) if drawn.flips[k] else image
            torch.testing.assert_close(found[k], preprocess(image), rtol=1e-6, atol=1e-6)
            assert labels[k] == label
        assert drawn.flips.any()
        assert not drawn.flips.all()


def test_evaluation_equals_torchvision_s_resize_and_centre_crop(folder):
    classes = ImageFolder(folder / "imagenet" / "train").class_to_idx
    transform = v2.Compose([resized, v2.CenterCrop(28), *PREPROCESS[1:]])
    folders = ImageFolder(folder / "imagenet" / "val")
    reference = in_our_order(folders)
    batches = list(streamed(folder, "val", augment=False).evaluation_batches(35))
    assert [len(labels) for _, labels in batches] == [35, 35, 5]
    found, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
    torch.testing.assert_close(
        found, torch.stack([transform(path) for path, _ in reference]), rtol=1e-6, atol=1e-6
    )
    assert labels.tolist() == [classes[folders.classes[y]] for _, y in reference]


def test_a_crop_reaches_every_position_of_the_image_alike(tmp_path):
    pixels = np.zeros((32, 50, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.arange(32)[:, None], np.arange(50)
    Image.fromarray(pixels).save(tmp_path / "coordinates.png")
    offsets = np.random.default_rng(0).integers(0, CROP_POSITIONS, (2300, 2))
    offsets[0], offsets[1] = 0, CROP_POSITIONS - 1
    paths = np.array([str(tmp_path / "coordinates.png")] * len(offsets), object)
    found = Decoder(paths, 32, 28, 0)[Chunk(np.arange(len(offsets)), paths, offsets, None)]
    corners = found.pixels[:, 0, 0, :2].numpy()
    assert corners[0].tolist() == [0, 0]
    assert corners[1].tolist() == [32 - 28, 50 - 28]
    rows, columns = (np.bincount(c) for c in corners.T)
    assert abs(rows / 2300 - 1 / 5).max() < 5 * math.sqrt(0.2 * 0.8 / 2300)
    assert abs(columns / 2300 - 1 / 23).max() < 5 * math.sqrt(1 / 23 / 2300)


def test_workers_change_nothing_and_a_stream_can_begin_anywhere(folder):
    alone = streamed(folder)
    expected = list(islice(alone.batches(stream(alone, 70), 0), 5))
    helped = streamed(folder, workers=2)
    for first in (0, 3):
        batches = helped.batches(stream(helped, 70), first)
        for found, batch in zip(batches, expected[first:], strict=False):
            assert all(torch.equal(a, b) for a, b in zip(found, batch, strict=True))
        batches.close()
    ordered = [list(streamed(folder, "val", w, augment=False).evaluation_batches(70)) for w in (0, 2)]
    assert all(torch.equal(a[0], b[0]) for a, b in zip(*ordered, strict=True))


def config_for(folder, tmp_path, *overrides):
    """A configuration that trains a small network on the image files."""
    short = ["workload.small_batch=8", "workload.large_batch=32", "workload.ghost_size=8"]
    short += ["workload.epochs=2", "workload.milestones=[1]", "workload.lr=[0.1,0.01]"]
    short += ["workload.weight_decay=[0.0005,0]", "data.resize=32", "data.crop=28"]
    network = ["model.name=tests.networks:small_alexnet", "runtime.keep_weights=true", "runtime.workers=0"]
    cell = ["workload=imagenet_alexnet", "method=lb_gbn", f"data.root={folder}", f"results_dir={tmp_path}"]
    return compose_config([*cell, *short, *network, *overrides])


def weights(config):
    return torch.load(run_directory(config) / "weights.pt", weights_only=True)


def test_interrupted_and_resumed_with_other_workers_ends_with_the_same_weights(folder, tmp_path):
    whole = config_for(folder, tmp_path / "whole")
    assert execute(whole) == Outcome.FINISHED
    pieces = config_for(folder, tmp_path / "pieces", "runtime.time_budget=1e-9", "runtime.workers=1")
    for _ in range(2):
        assert execute(pieces) == Outcome.STOPPED
    pieces.runtime.time_budget = None
    assert execute(pieces) == Outcome.FINISHED
    expected = weights(whole)
    assert all(torch.equal(v, expected[k]) for k, v in weights(pieces).items())


def test_the_first_image_files_are_of_every_class(folder):
    labels = imagenet(folder / "imagenet").train.labels
    assert labels[:27].tolist() == [0, 1, 2] * 9
    assert np.bincount(labels).tolist() == [9, 30, 37]


def test_missing_folders_are_the_user_s_mistake(folder, tmp_path):
    with pytest.raises(UserError, match=r"train: arrange them as .*/train/CLASS/\*\.JPEG and .*downloaded"):
        imagenet(tmp_path / "imagenet")
    for split in ("train", "val"):
        (tmp_path / split / "a").mkdir(parents=True)
    with pytest.raises(UserError, match=r"no images \(\*\.jpg.* in .*train/a: add some"):
        imagenet(tmp_path)
    (tmp_path / "val" / "other").mkdir()
    with pytest.raises(UserError, match=r"val/other is a class that .*train doesn't have"):
        imagenet(tmp_path)


def test_full_shared_memory_is_raised_here_and_not_waited_for(folder, monkeypatch):
    def refuse(tensor):
        raise RuntimeError(
            "unable to allocate shared memory(shm) for file </torch_1_2>: No space left on device"
        )

    monkeypatch.setattr(torch.Tensor, "share_memory_", refuse)  # before the workers are forked
    images = streamed(folder, workers=1)
    batches = images.batches(stream(images), 0)
    with pytest.raises(MachineError, match="runtime.workers=0, then run the same command again"):
        next(batches)
    batches.close()
    assert len(next(streamed(folder, workers=0).batches(stream(images), 0))[0]) == 20
