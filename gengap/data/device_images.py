"""A run's images as seen by the device: all in its memory at once, or streamed to it from files."""

from collections.abc import Generator
from typing import Protocol

import torch
from torch import Tensor

from gengap.config.schema import Config
from gengap.data.resident import Resident
from gengap.data.sources import EVERY, ImageFiles, Images
from gengap.data.stream import Stream
from gengap.data.undecoded import Undecoded


class DeviceImages(Protocol):
    """Images and their labels (N,) int64, which are on the device.

    A batch is a tuple of tensors (B, ...) on the device. `preprocess` converts it, or the same slice of all
    its tensors, to the network's input without involving the host, so it can be part of a captured update.
    """

    labels: Tensor
    shape: tuple[int, int, int]  # (C, H, W) of an image after preprocessing
    crop_positions: int  # crop offsets are drawn from range(crop_positions), on either axis
    moving: bool  # whether the stream has to draw motions
    from_files: bool  # if so, evaluations also count top-5 errors, as is usual on ImageNet
    bad: Undecoded  # photographs that could not be decoded

    def __len__(self) -> int: ...

    def close(self) -> None:
        """Release resources used for evaluations."""

    def batches(self, stream: Stream, first: int) -> Generator[tuple[Tensor, ...]]:
        """Yield the batches of updates `first`, `first` + 1, ... of the stream, endlessly."""

    def preprocess(self, batch: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Return augmented, normalized images (B, C, H, W) float32 and their labels (B,) int64."""

    def evaluation_batches(self, batch_size: int, part: slice = EVERY) -> Generator[tuple[Tensor, Tensor]]:
        """Yield every image of a part once, in order: center-cropped, not flipped, normalized."""


def to_device(
    images: Images | ImageFiles, config: Config, device: torch.device, *, augment: bool
) -> DeviceImages:
    """Copy images to the device, or prepare to stream image files to it.

    Args:
        images: training or validation set.
        config: configuration; `data` sets augmentation and normalization, `runtime.workers` file decoding.
        device: device to deliver batches on.
        augment: whether `batches` applies the random crops, flips, rotations and shifts set in `data`.

    Raises:
        UserError: data.mean or data.std doesn't have one value per channel.
    """
    if isinstance(images, ImageFiles):
        from gengap.data.decoded import (
            DecodedImages,  # imports torchvision, which images in memory don't need
        )

        return DecodedImages(images, config.data, device, config.runtime.workers, augment=augment)
    return Resident(images, config.data, device, augment=augment)
