"""A data set that lives on the device as uint8; crop, flip and normalisation run there, a batch at a time."""

from collections.abc import Generator
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gengap.config.schema import Data
from gengap.data.finish import Finish
from gengap.data.sources import Images, Photographs, Source
from gengap.data.stream import Stream
from gengap.errors import UserError
from gengap.randomness import Purpose, draws


@dataclass(frozen=True)
class Splits:
    """What a run trains on and what it is measured on."""

    train: Images | Photographs
    validation: Images | Photographs


def split(source: Source, config: Data, seed: int) -> Splits:
    """The paper validates on the test split; with `holdout`, on that many training images instead.

    Raises:
        UserError: fewer training images than the holdout or the limit asks for.
    """
    train, validation = source.train, source.test
    if config.holdout:
        if config.holdout >= len(train):
            raise UserError(f"data.holdout={config.holdout} leaves none of the {len(train)} training images")
        order = draws(seed, Purpose.HOLDOUT, 0).permutation(len(train))
        validation = train.take(np.sort(order[: config.holdout]))
        train = train.take(np.sort(order[config.holdout :]))
    if config.limit is not None:
        if config.limit > len(train):
            raise UserError(f"data.limit={config.limit} is more than the {len(train)} training images")
        train = train.take(np.arange(config.limit))
    return Splits(train, validation)


class Resident:
    """Images (N, H, W, C) on the device, padded once, with their labels."""

    def __init__(self, images: Images, config: Data, device: torch.device, *, augment: bool) -> None:
        self.labels = torch.from_numpy(images.labels).to(device)
        pixels = torch.from_numpy(images.images).to(device)  # (N, H, W, C)
        height, width = pixels.shape[1:3]
        pad = config.crop_padding if augment else 0
        padded = F.pad(pixels, (0, 0, pad, pad, pad, pad), value=config.pad_value)
        # Every crop of every image as a view (N, rows, columns, H, W, C): a batch of them is channels_last
        self._crops = padded.unfold(1, height, 1).unfold(2, width, 1).permute(0, 1, 2, 4, 5, 3)
        self.shape = (pixels.shape[3], height, width)
        self.positions = 2 * pad + 1
        self._flip = config.flip and augment
        self._finish = Finish(config, pixels.shape[3], device)

    def __len__(self) -> int:
        return len(self.labels)

    def arrivals(self, stream: Stream, first: int) -> Generator[tuple[Tensor, ...]]:
        """Of each update from `first` on, for ever: (B, 4) int64 of index, crop row, crop column, flip."""
        device = self.labels.device
        for update in count(first):
            batch = stream.batch(update)
            choices = torch.from_numpy(np.column_stack([batch.indices, batch.offsets, batch.flips]))
            yield (choices.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else choices,)

    def finish(self, arrived: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Augmented, normalised images (B, C, H, W) float32 and labels (B,) of some rows of an arrival."""
        indices, rows, columns, flips = arrived[0].unbind(1)
        crops = self._crops[indices, rows, columns].permute(0, 3, 1, 2)
        return self._finish(crops, flips if self._flip else None), self.labels[indices]

    def in_order(self, batch_size: int) -> Generator[tuple[Tensor, Tensor]]:
        """All images once, neither cropped off their centre nor flipped."""
        rows, columns = self._crops.shape[1:3]
        centred = self._crops[:, rows // 2, columns // 2].permute(0, 3, 1, 2)
        for start in range(0, len(self), batch_size):
            chunk = slice(start, start + batch_size)
            yield self._finish(centred[chunk]), self.labels[chunk]
