"""Where the images of a run are while it trains: on the device as a whole, or streamed from files."""

from collections.abc import Generator
from typing import Protocol

import torch
from torch import Tensor

from gengap.config.schema import Config
from gengap.data.resident import Resident
from gengap.data.sources import Images, Photographs
from gengap.data.stream import Stream

Batches = Generator[tuple[Tensor, Tensor]]


class Placed(Protocol):
    """Images with labels (N,) on the device.

    A batch arrives as tensors (B, ...) on the device; any samples of it are then finished there, which is
    part of the update: `finish` needs nothing of the host.
    """

    labels: Tensor
    shape: tuple[int, int, int]  # of an image in a batch: (C, H, W)
    positions: int  # what the stream's crop offsets are drawn from

    def __len__(self) -> int: ...

    def arrivals(self, stream: Stream, first: int) -> Generator[tuple[Tensor, ...]]:
        """What arrives for each of the stream's updates, from `first` on, for ever."""

    def finish(self, arrived: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Augmented, normalised images (B, C, H, W) float32 and labels (B,) of samples that arrived."""

    def in_order(self, batch_size: int) -> Batches:
        """All images once, neither cropped off their centre nor flipped."""


def place(images: Images | Photographs, config: Config, device: torch.device, *, augment: bool) -> Placed:
    """Bring images to the device, or prepare to stream them there.

    Raises:
        UserError: data.mean or data.std has not one value a channel.
    """
    if isinstance(images, Photographs):
        from gengap.data.streamed import Streamed  # torchvision, which nothing else here needs

        return Streamed(images, config.data, device, config.runtime.workers, augment=augment)
    return Resident(images, config.data, device, augment=augment)
