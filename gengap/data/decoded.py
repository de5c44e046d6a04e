"""Image files streamed to the device: worker processes decode and crop, the device flips and normalizes."""

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
from gengap.data.augmentation import FlipAndNormalize, moves
from gengap.data.image_file import read_resized
from gengap.data.shared_memory import room, starting_workers
from gengap.data.sources import ImageFiles
from gengap.data.stream import Stream
from gengap.errors import UserError

# Image sizes are known only after decoding, so crop offsets are drawn as fractions of what an image allows
CROP_POSITIONS = 2**31
CHUNK_SIZE = 64  # images per task of a worker


@dataclass(frozen=True)
class Chunk:
    """Image files that a worker decodes at a time.

    paths (B,); offsets (B, 2) of the crops as (row, column) in range(CROP_POSITIONS), None for center crops.
    """

    paths: NDArray[np.object_]
    offsets: NDArray[np.int64] | None


class Decoder(Dataset[Tensor | UserError]):
    """Decodes, resizes and crops a chunk to pixels (B, 3, crop, crop) uint8, in a worker process.

    A file that can't be read gives a UserError as the result, for the main process to raise.

    Args:
        resize: shorter side of an image after resizing, in pixels.
        crop: side of the square crop, in pixels.
    """

    def __init__(self, resize: int, crop: int) -> None:
        self._resize, self._crop = resize, crop

    def __getitem__(self, chunk: Chunk) -> Tensor | UserError:
        try:
            return self._decoded(chunk)
        except UserError as error:
            return type(error)(str(error))  # without its cause, which need not be picklable

    def _decoded(self, chunk: Chunk) -> Tensor:
        pixels = room(len(chunk.paths), 3, self._crop, self._crop)
        for k, path in enumerate(chunk.paths):
            offset = None if chunk.offsets is None else chunk.offsets[k]
            pixels[k] = tf.pil_to_tensor(self._cropped(read_resized(path, self._resize), offset))
        return pixels

    def _cropped(self, image: Image.Image, offset: NDArray[np.int64] | None) -> Image.Image:
        side = self._crop
        if offset is None:
            centered: Image.Image = tf.center_crop(image, [side, side])
            return centered
        row, column = (
            int(o) * (s - side + 1) // CROP_POSITIONS for o, s in zip(offset, image.size[::-1], strict=True)
        )
        cropped: Image.Image = tf.crop(image, row, column, side, side)
        return cropped


class DecodedImages:
    """Image files, with their labels (N,) int64 on the device.

    A batch is pixels (B, 3, crop, crop) uint8, labels (B,), flips (B,) bool and, where images are rotated or
    shifted, the motions (B, 3) float32 of stream.Batch. See DeviceImages for attributes and methods.

    Args:
        files: the image files.
        config: sizes, flip and normalization.
        device: where batches are wanted.
        workers: processes that decode; None for one per CPU core, 0 to decode in this process.
        augment: random crops, flips, rotations and shifts in `batches`, as `config` asks for them.
    """

    def __init__(
        self, files: ImageFiles, config: Data, device: torch.device, workers: int | None, *, augment: bool
    ) -> None:
        self.labels = torch.from_numpy(files.labels).to(device)
        self.shape = (3, config.crop, config.crop)
        self.crop_positions = CROP_POSITIONS
        self._paths = files.paths
        self._decoder = Decoder(config.resize, config.crop)
        self._workers = _cores() if workers is None else workers
        self._augment, self._flip = augment, config.flip and augment
        self.moving = moves(config) and augment
        self._preprocess = FlipAndNormalize(config, 3, device)

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, stream: Stream, first: int) -> Generator[tuple[Tensor, ...]]:
        """The batches of updates `first`, `first` + 1, ... of the stream, without end.

        Workers decode ahead of the update that is asked for; closing the generator ends them.

        Raises:
            UserError: an image file can't be read.
        """
        upcoming = (stream.batch(update) for update in count(first))
        chunks = (c for b in upcoming for c in self._chunks(b.indices, b.offsets if self._augment else None))
        decoded, device = self._decode(chunks), self.labels.device
        for update in count(first):
            batch = stream.batch(update)
            pixels = self._collect(decoded, len(batch.indices))
            labels = self.labels[torch.from_numpy(batch.indices).to(device)]
            drawn = (batch.flips, batch.motions) if self.moving else (batch.flips,)
            yield pixels, labels, *(torch.from_numpy(values).to(device) for values in drawn)

    def preprocess(self, batch: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Augmented, normalized images (B, 3, crop, crop) float32 and their labels (B,) int64."""
        pixels, labels, flips, *motions = batch
        return self._preprocess(pixels, flips if self._flip else None, *motions), labels

    def evaluation_batches(self, batch_size: int) -> Generator[tuple[Tensor, Tensor]]:
        """Every image once, in order: center crop, no flip, normalized; the last batch may be smaller.

        Raises:
            UserError: an image file can't be read.
        """
        batches = np.array_split(np.arange(len(self)), range(batch_size, len(self), batch_size))
        decoded = self._decode(chunk for indices in batches for chunk in self._chunks(indices, None))
        for indices in batches:
            labels = self.labels[int(indices[0]) : int(indices[-1]) + 1]
            yield self._preprocess(self._collect(decoded, len(indices))), labels

    def _chunks(self, indices: NDArray[np.int64], offsets: NDArray[np.int64] | None) -> Iterator[Chunk]:
        for start in range(0, len(indices), CHUNK_SIZE):
            chunk = slice(start, start + CHUNK_SIZE)
            yield Chunk(self._paths[indices[chunk]], None if offsets is None else offsets[chunk])

    def _decode(self, chunks: Iterable[Chunk]) -> Iterator[Tensor | UserError]:
        """The decoded chunks in their order, however many workers there are."""
        loader = DataLoader(
            self._decoder,
            batch_size=None,
            sampler=chunks,
            num_workers=self._workers,
            pin_memory=self.labels.is_cuda,
            generator=torch.Generator(),  # the default would draw from torch's global generator
            multiprocessing_context="fork" if self._workers and sys.platform == "linux" else None,
            worker_init_fn=partial(_leave_signals_to, os.getpid()),
        )
        with starting_workers():
            return iter(loader)

    def _collect(self, decoded: Iterator[Tensor | UserError], samples: int) -> Tensor:
        """The next chunks, joined to a batch (samples, 3, crop, crop) uint8 on the device."""
        chunks = []
        for _ in range(0, samples, CHUNK_SIZE):
            chunk = next(decoded)
            if isinstance(chunk, UserError):
                # A copy: `chunk` would form a cycle with the frame it is raised in and keep workers alive
                raise type(chunk)(str(chunk))
            chunks.append(chunk.to(self.labels.device, non_blocking=True))
        return torch.cat(chunks)


def _cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _leave_signals_to(main: int, worker: int) -> None:
    # Ctrl-C, a closed terminal and a scheduler's signals reach every process, but the main one still needs
    # its workers to finish the update: only it reacts to them, and workers exit on a SIGTERM from it alone
    for name in ("SIGINT", "SIGHUP", "SIGUSR1"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if sys.platform == "linux":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_exit_on_sigterm_from, args=(main,), daemon=True).start()


def _exit_on_sigterm_from(main: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != main:
        pass
    os._exit(0)
