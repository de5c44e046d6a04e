"""The loops run by the sides of a comparison: functions that make one update, or deliver one batch."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import ConcatDataset, DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from gengap.batches import Batches
from gengap.bench.random_images import random_images, source_of
from gengap.bench.typical import TypicalLoop, device_of
from gengap.config.schema import Config, Data
from gengap.cores import usable_cores
from gengap.data.class_folders import ClassFolders
from gengap.data.device_images import to_device
from gengap.data.load import data_folder, load
from gengap.data.sources import Images
from gengap.data.splits import split
from gengap.data.stream import Stream
from gengap.regime import build_regime
from gengap.training.allocator import keep_freed_memory
from gengap.training.build import build_trainer
from gengap.training.device import prepare_device

LONG = 100_000  # least photographs per epoch of ImageFolder, so that the ends of epochs don't matter
ENGINE = "plain"

Loop = tuple[Callable[[], object], str]  # a function that makes one update, and the engine that runs it


def gengap(config: Config) -> Loop:
    """Make gengap's updates on random images of the data set's shape."""
    return _updates(config, *random_images(config.data.name))


def typical(config: Config) -> Loop:
    """Make the typical loop's updates on the same images."""
    images, classes = random_images(config.data.name)
    return TypicalLoop(config, images, classes, device_of(config)).update, ENGINE


def photographs(config: Config) -> Loop:
    """Deliver batches of photographs as decoded, augmented and normalized by gengap."""
    device = prepare_device(config.runtime)
    source = load(config.data.name, config.data.root, config.data.folder, packed=config.data.packed)
    images = to_device(source.train, config, device, augment=True)
    if device.type == "cpu":
        keep_freed_memory(0)  # as in training
    batches = Batches(len(images), (_batch(config, len(images)),))
    found = images.batches(Stream(config.seed, batches, images.crop_positions, moving=images.moving), 0)
    return lambda: images.preprocess(next(found)), ENGINE


def image_folder(config: Config) -> Loop:
    """Deliver batches with the same crops and flips from torchvision's ImageFolder and a DataLoader."""
    device = device_of(config)
    folder = data_folder(config.data.root, config.data.folder)
    files = ImageFolder(str(folder / "train"), _transform(config.data))
    workers = usable_cores() if config.runtime.workers is None else config.runtime.workers
    loader: DataLoader[Any] = DataLoader(
        ConcatDataset([files] * -(-LONG // len(files))),
        batch_size=_batch(config, len(files)),
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        pin_memory=device.type == "cuda",
        persistent_workers=workers > 0,
    )
    found = _endless(loader)
    return lambda: [part.to(device) for part in next(found)], ENGINE


def on_device(config: Config) -> Loop:
    """Make gengap's updates on random images of the crops' size, which need no decoding."""
    side, samples = config.data.crop, max(config.method.batch_size, 1024)
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (samples, side, side, 3), dtype=np.uint8)
    classes = len(ClassFolders(data_folder(config.data.root, config.data.folder) / "train").names)
    return _updates(config, Images(pixels, generator.integers(0, classes, samples)), classes)


LOOPS: dict[str, Callable[[Config], Loop]] = {
    function.__name__: function for function in (gengap, typical, photographs, image_folder, on_device)
}


def _updates(config: Config, images: Images, classes: int) -> Loop:
    device, source = prepare_device(config.runtime), source_of(images, classes)
    splits = split(source, config.data, config.seed)
    regime = build_regime(config, len(splits.train))
    trainer = build_trainer(config, source, splits, regime, device)
    updates = count()
    return lambda: trainer.train_step(next(updates) % regime.updates), str(trainer.engine)


def _transform(data: Data) -> Any:
    return transforms.Compose(
        [
            transforms.Resize(data.resize),
            transforms.RandomCrop(data.crop),
            *([transforms.RandomHorizontalFlip()] if data.flip else []),
            transforms.ToTensor(),
            transforms.Normalize(data.mean, data.std),
        ]
    )


def _endless(loader: DataLoader[Any]) -> Iterator[list[Tensor]]:
    while True:
        yield from loader


def _batch(config: Config, photographs: int) -> int:
    return min(config.method.batch_size, photographs)
