"""A data set kept in device memory as uint8; its images are processed there, one batch at a time."""

from collections.abc import Generator
from itertools import count

import numpy as np
import torch
from torch import Tensor

from gengap.config.schema import Data
from gengap.data.augmentation import FlipAndNormalize, moves, padding
from gengap.data.sources import EVERY, Images
from gengap.data.stream import Stream
from gengap.data.undecoded import Undecoded


class Resident:
    """Images (N, H, W, C) uint8 and labels (N,) int64 on the device, padded once for all random crops.

    A batch is an int64 tensor (B, 4) holding image index, row and column of the crop, and flip (0 or 1), and,
    if images are rotated or shifted, the motions (B, 3) float32 of stream.Batch. See DeviceImages for
    attributes and methods.
    """

    from_files = False

    def __init__(self, images: Images, config: Data, device: torch.device, *, augment: bool) -> None:
        self.labels = torch.from_numpy(images.labels).to(device)
        self.bad = Undecoded(0)  # there are no files
        pixels = torch.from_numpy(images.images).to(device)
        height, width, channels = pixels.shape[1:]
        pad = config.crop_padding if augment else 0
        fill = padding(config, channels, device).view(-1).to(pixels.dtype)
        padded = fill.repeat(len(pixels), height + 2 * pad, width + 2 * pad, 1)
        padded[:, pad : pad + height, pad : pad + width] = pixels
        # Every crop of every image as a view (N, rows, columns, H, W, C), so that batches are channels_last
        self._crops = padded.unfold(1, height, 1).unfold(2, width, 1).permute(0, 1, 2, 4, 5, 3)
        self.shape = (channels, height, width)
        self.crop_positions = 2 * pad + 1
        self._flip, self.moving = config.flip and augment, moves(config) and augment
        self._preprocess = FlipAndNormalize(config, channels, device)

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, stream: Stream, first: int) -> Generator[tuple[Tensor, ...]]:
        """Yield the batches of updates `first`, `first` + 1, ... of the stream, endlessly."""
        device = self.labels.device
        for update in count(first):
            batch = stream.batch(update)
            rows = torch.from_numpy(np.column_stack([batch.indices, batch.offsets, batch.flips]))
            parts = (rows, torch.from_numpy(batch.motions)) if self.moving else (rows,)
            on_gpu = device.type == "cuda"
            yield tuple(p.pin_memory().to(device, non_blocking=True) if on_gpu else p for p in parts)

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def preprocess(self, batch: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Return augmented, normalized images (B, C, H, W) float32 and their labels (B,) int64."""
        indices, rows, columns, flips = batch[0].unbind(1)
        crops = self._crops[indices, rows, columns].permute(0, 3, 1, 2)
        motions = batch[1] if self.moving else None
        return self._preprocess(crops, flips if self._flip else None, motions), self.labels[indices]

    def evaluation_batches(self, batch_size: int, part: slice = EVERY) -> Generator[tuple[Tensor, Tensor]]:
        """Yield every image of a part once, in order: unpadded, not flipped, normalized."""
        rows, columns = self._crops.shape[1:3]
        centered = self._crops[:, rows // 2, columns // 2].permute(0, 3, 1, 2)
        indices = range(len(self))[part]
        for start in range(indices.start, indices.stop, batch_size):
            batch = slice(start, min(start + batch_size, indices.stop))
            yield self._preprocess(centered[batch]), self.labels[batch]
