"""Photographs streamed from files: decoded and cropped by worker processes, finished on the device."""

import os
import signal
import sys
import threading
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms.v2 import functional as tf

from gengap.config.schema import Data
from gengap.data.finish import Finish
from gengap.data.sources import Photographs
from gengap.data.stream import Stream
from gengap.errors import UserError

POSITIONS = 2**31  # of a crop: its draw over 2**31 is the fraction of the way that there is on the photograph
PART = 64  # photographs that a worker decodes at a time


@dataclass(frozen=True)
class Part:
    """Photographs for one worker: paths (B,), and draws (B, 2) of where to crop them, None for the centre."""

    paths: NDArray[np.object_]
    draws: NDArray[np.int64] | None


class Decoder(Dataset[Tensor | UserError]):
    """Parts as pixels (B, 3, crop, crop) uint8; a photograph that can't be read is the error to raise."""

    def __init__(self, resize: int, crop: int) -> None:
        self._resize, self._crop = resize, crop

    def __getitem__(self, part: Part) -> Tensor | UserError:
        pixels = torch.empty(len(part.paths), 3, self._crop, self._crop, dtype=torch.uint8)
        for k, path in enumerate(part.paths):
            try:
                with Image.open(path) as file:
                    image = tf.resize(file.convert("RGB"), [self._resize])
            except (OSError, SyntaxError, ValueError) as error:  # what PIL raises on damaged files
                return UserError(f"{path} can't be read as a photograph: replace or remove it ({error})")
            pixels[k] = tf.pil_to_tensor(self._cropped(image, None if part.draws is None else part.draws[k]))
        return pixels

    def _cropped(self, image: Image.Image, draw: NDArray[np.int64] | None) -> Image.Image:
        side = self._crop
        if draw is None:
            centred: Image.Image = tf.center_crop(image, [side, side])
            return centred
        row, column = (
            int(d) * (s - side + 1) // POSITIONS for d, s in zip(draw, image.size[::-1], strict=True)
        )
        cropped: Image.Image = tf.crop(image, row, column, side, side)
        return cropped


class Streamed:
    """Photographs in files, with their labels on the device."""

    def __init__(
        self,
        photographs: Photographs,
        config: Data,
        device: torch.device,
        workers: int | None,
        *,
        augment: bool,
    ) -> None:
        self.labels = torch.from_numpy(photographs.labels).to(device)
        self.shape = (3, config.crop, config.crop)
        self.positions = POSITIONS
        self._paths = photographs.paths
        self._decoder = Decoder(config.resize, config.crop)
        self._workers = _cores() if workers is None else workers
        self._augment, self._flip = augment, config.flip and augment
        self._finish = Finish(config, 3, device)

    def __len__(self) -> int:
        return len(self.labels)

    def arrivals(self, stream: Stream, first: int) -> Generator[tuple[Tensor, ...]]:
        """Of each update from `first` on, for ever: pixels (B, 3, crop, crop), labels and flips (B,).

        Workers are some parts ahead.
        """
        ahead = (stream.batch(update) for update in count(first))
        parts = (p for b in ahead for p in self._parts(b.indices, b.offsets if self._augment else None))
        decoded, device = self._decoded(parts), self.labels.device
        for update in count(first):
            batch = stream.batch(update)
            pixels = self._collected(decoded, len(batch.indices))
            labels = self.labels[torch.from_numpy(batch.indices).to(device)]
            yield pixels, labels, torch.from_numpy(batch.flips).to(device)

    def finish(self, arrived: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Normalised images (B, 3, crop, crop) float32, mirrored where asked, and labels (B,)."""
        pixels, labels, flips = arrived
        return self._finish(pixels, flips if self._flip else None), labels

    def in_order(self, batch_size: int) -> Generator[tuple[Tensor, Tensor]]:
        """All photographs once, cropped at their centre and not flipped."""
        chunks = np.array_split(np.arange(len(self)), range(batch_size, len(self), batch_size))
        decoded = self._decoded(p for chunk in chunks for p in self._parts(chunk, None))
        for chunk in chunks:
            labels = self.labels[int(chunk[0]) : int(chunk[-1]) + 1]
            yield self._finish(self._collected(decoded, len(chunk))), labels

    def _parts(self, indices: NDArray[np.int64], draws: NDArray[np.int64] | None) -> Iterator[Part]:
        for start in range(0, len(indices), PART):
            part = slice(start, start + PART)
            yield Part(self._paths[indices[part]], None if draws is None else draws[part])

    def _decoded(self, parts: Iterable[Part]) -> Iterator[Tensor | UserError]:
        """The parts in their order, however many workers decode them."""
        loader = DataLoader(
            self._decoder,
            batch_size=None,
            sampler=parts,
            num_workers=self._workers,
            pin_memory=self.labels.is_cuda,
            generator=torch.Generator(),  # else the loader draws from torch's own
            multiprocessing_context="fork" if self._workers and sys.platform == "linux" else None,
            worker_init_fn=partial(_obey_the_main_process_only, os.getpid()),
        )
        return iter(loader)

    def _collected(self, decoded: Iterator[Tensor | UserError], samples: int) -> Tensor:
        """The next parts, together a batch (samples, 3, crop, crop) uint8 on the device."""
        found = []
        for _ in range(0, samples, PART):
            part = next(decoded)
            if isinstance(part, UserError):
                raise UserError(str(part))  # itself would hold, by its traceback, the workers
            found.append(part.to(self.labels.device, non_blocking=True))
        return torch.cat(found)


def _cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _obey_the_main_process_only(main: int, worker: int) -> None:
    # Ctrl-C and a scheduler's SIGTERM reach every process, and the main one finishes its update with our help
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_when_told_by, args=(main,), daemon=True).start()


def _end_when_told_by(main: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != main:
        pass
    os._exit(0)
