"""Image files streamed to the device: worker processes decode, crop and flip, the device normalizes."""

import os
import sys
from collections.abc import Generator, Iterable, Iterator
from functools import partial
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from gengap.config.schema import Data
from gengap.cores import usable_cores
from gengap.data.augmentation import FlipAndNormalize, moves
from gengap.data.decoder import CROP_POSITIONS, Chunk, Decoded, Decoder, leave_signals_to
from gengap.data.fingerprint import shared_folder
from gengap.data.shared_memory import starting_workers
from gengap.data.sources import EVERY, ImageFiles
from gengap.data.stream import Batch, Stream
from gengap.data.undecoded import Undecoded
from gengap.errors import UserError

CHUNK_SIZE = 64  # images per worker task

Drawn = tuple[NDArray[np.int64], NDArray[np.int64] | None, NDArray[np.bool_] | None]


class DecodedImages:
    """Image files, with their labels (N,) int64 on the device.

    A batch consists of flipped uint8 pixels (B, 3, crop, crop), labels (B,) and, if images are rotated or
    shifted, the motions (B, 3) float32 of stream.Batch. See DeviceImages for attributes and methods.

    Args:
        files: the image files.
        config: provides sizes, flip and normalization, and how many photographs may be bad.
        device: device to deliver batches on.
        workers: number of decoding processes; None for one per CPU core, 0 to decode in this process.
        augment: whether `batches` applies the random crops, flips, rotations and shifts set in `config`.

    Attributes:
        bad: names of photographs that could not be decoded, relative to the folder all files share.
    """

    from_files = True

    def __init__(
        self, files: ImageFiles, config: Data, device: torch.device, workers: int | None, *, augment: bool
    ) -> None:
        self.labels = torch.from_numpy(files.labels).to(device)
        self.shape = (3, config.crop, config.crop)
        self.crop_positions = CROP_POSITIONS
        self.bad = Undecoded(config.bad_photographs)
        self._paths, self._below = files.paths, shared_folder([os.fspath(p) for p in files.paths])
        read = files.contents.read if files.contents else None
        self._decoder = Decoder(files.paths, config.resize, config.crop, config.bad_photographs, read)
        self._workers = usable_cores() if workers is None else workers
        self._augment, self._flip = augment, config.flip and augment
        self.moving = moves(config) and augment
        self._preprocess = FlipAndNormalize(config, 3, device)
        # Loader for evaluations with this batch size and part, whose workers stay alive between evaluations
        self._evaluation: tuple[tuple[int, slice], DataLoader[Decoded | UserError]] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def close(self) -> None:
        """Stop the workers used for evaluations."""
        self._evaluation = None

    def batches(self, stream: Stream, first: int) -> Generator[tuple[Tensor, ...]]:
        """Yield the batches of updates `first`, `first` + 1, ... of the stream, endlessly.

        Workers decode ahead of the requested update; closing the generator stops them.

        Raises:
            MachineError: more photographs can't be decoded than data.bad_photographs allows.
        """
        upcoming = (stream.batch(update) for update in count(first))
        chunks = (c for batch in upcoming for c in self._chunks(*self._drawn(batch)))
        decoded, device = self._started(self._loader(chunks)), self.labels.device
        for update in count(first):
            batch = stream.batch(update)
            pixels, labels = self._collect(decoded, batch.indices)
            motions = (torch.from_numpy(batch.motions).to(device),) if self.moving else ()
            yield pixels, labels, *motions

    def preprocess(self, batch: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Return augmented, normalized images (B, 3, crop, crop) float32 and their labels (B,) int64."""
        pixels, labels, *motions = batch
        return self._preprocess(pixels, None, *motions), labels

    def evaluation_batches(self, batch_size: int, part: slice = EVERY) -> Generator[tuple[Tensor, Tensor]]:
        """Yield every image of a part once, in order: center-cropped, not flipped, normalized.

        Raises:
            MachineError: more photographs can't be decoded than data.bad_photographs allows.
        """
        every = np.arange(len(self))[part]
        batches = np.array_split(every, range(batch_size, len(every), batch_size)) if len(every) else []
        if self._evaluation is None or self._evaluation[0] != (batch_size, part):
            chunks = [chunk for indices in batches for chunk in self._chunks(indices)]
            self._evaluation = (batch_size, part), self._loader(chunks, keep_workers=True)
        decoded = self._started(self._evaluation[1])
        for indices in batches:
            pixels, labels = self._collect(decoded, indices)
            yield self._preprocess(pixels), labels

    def _drawn(self, batch: Batch) -> Drawn:
        """Samples of a batch, with their crops and flips if there are any."""
        return batch.indices, batch.offsets if self._augment else None, batch.flips if self._flip else None

    def _chunks(
        self,
        indices: NDArray[np.int64],
        offsets: NDArray[np.int64] | None = None,
        flips: NDArray[np.bool_] | None = None,
    ) -> Iterator[Chunk]:
        for start in range(0, len(indices), CHUNK_SIZE):
            part = slice(start, start + CHUNK_SIZE)
            chosen = indices[part]
            yield Chunk(
                chosen,
                self._paths[chosen],
                None if offsets is None else offsets[part],
                None if flips is None else flips[part],
            )

    def _loader(
        self, chunks: Iterable[Chunk], *, keep_workers: bool = False
    ) -> DataLoader[Decoded | UserError]:
        """Create a loader of decoded chunks, in order regardless of the number of workers."""
        return DataLoader(
            self._decoder,
            batch_size=None,
            sampler=chunks,
            num_workers=self._workers,
            pin_memory=self.labels.is_cuda,
            persistent_workers=keep_workers and self._workers > 0,
            generator=torch.Generator(),  # the default would draw from torch's global generator
            multiprocessing_context="fork" if self._workers and sys.platform == "linux" else None,
            worker_init_fn=partial(leave_signals_to, os.getpid()),
        )

    def _started(self, loader: DataLoader[Decoded | UserError]) -> Iterator[Decoded | UserError]:
        with starting_workers():
            return iter(loader)

    def _collect(
        self, decoded: Iterator[Decoded | UserError], indices: NDArray[np.int64]
    ) -> tuple[Tensor, Tensor]:
        """Join the next chunks to a uint8 batch (B, 3, crop, crop) and its labels (B,) on the device."""
        device, used = self.labels.device, indices.copy()
        height, width = self.shape[1:]
        parts = [] if len(used) else [torch.empty(0, height, width, 3, dtype=torch.uint8, device=device)]
        for start in range(0, len(indices), CHUNK_SIZE):
            chunk = next(decoded)
            if isinstance(chunk, UserError):
                # Raise a copy: `chunk` would form a reference cycle with this frame and keep workers alive
                raise type(chunk)(str(chunk))
            for index, line in chunk.bad:
                self.bad.add(self._name(index), line)
            for place, index in chunk.replaced:
                used[start + place] = index
            parts.append(chunk.pixels.to(device, non_blocking=True))
        return torch.cat(parts).permute(0, 3, 1, 2), self.labels[torch.from_numpy(used).to(device)]

    def _name(self, index: int) -> str:
        path: str = os.fspath(self._paths[index])
        return path[self._below :].encode(errors="backslashreplace").decode()
