"""Batches for the other trainers: from a typical DataLoader, or ready-made tensors that need no work."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from gengap.bench.random_images import random_images
from gengap.bench.typical import device_of, loader
from gengap.config.schema import Config


class Slices(Dataset[tuple[Tensor, Tensor]]):
    """Ready-made batches, one after another: views into normalized images on the device."""

    def __init__(self, images: Tensor, labels: Tensor, batch_size: int) -> None:
        self._images, self._labels = images, labels
        self._size, self._count = batch_size, len(images) // batch_size

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if index >= self._count:
            raise IndexError(index)
        rows = slice(index * self._size, (index + 1) * self._size)
        return self._images[rows], self._labels[rows]


def batches(config: Config, batch_size: int, *, in_memory: bool) -> tuple[DataLoader[Any], int]:
    """Create a loader of random images of the data set's shape; return it and the number of classes.

    Args:
        config: configuration of the run.
        batch_size: images per batch.
        in_memory: whether to skip shuffling and augmentation, so that almost no time is spent on data.
    """
    images, classes = random_images(config.data.name)
    device = device_of(config)
    if not in_memory:
        return loader(config, images, batch_size, device), classes
    pixels = torch.from_numpy(np.moveaxis(images.images, -1, 1)).to(device).float() / 255
    mean, std = (
        torch.tensor(v, device=device).view(1, -1, 1, 1) for v in (config.data.mean, config.data.std)
    )
    slices = Slices((pixels - mean) / std, torch.from_numpy(images.labels).to(device), batch_size)
    return DataLoader(slices, batch_size=None, shuffle=False), classes


def versions(packages: Sequence[str]) -> dict[str, str]:
    """The installed versions of these packages and of torch."""
    return {name: version(name) for name in (*packages, "torch")}
