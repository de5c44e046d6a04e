"""Work of a worker process: read, decode, crop and flip photographs, and replace undecodable ones."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from gengap.data.image_file import read_resized
from gengap.data.shared_memory import room
from gengap.errors import UserError, counted
from gengap.faults import MachineError

# Image sizes are only known after decoding, so crop offsets are drawn as fractions of an image's leeway
CROP_POSITIONS = 2**31


@dataclass(frozen=True)
class Chunk:
    """Photographs that a worker decodes in one task.

    indices (B,) into the files, and their paths (B,), which are passed along because a worker reading them
    from the full list would gradually copy that list into its memory. offsets (B, 2) of the crops as (row,
    column) in range(CROP_POSITIONS), or None for center crops; flips (B,), or None for no flips.
    """

    indices: NDArray[np.int64]
    paths: NDArray[np.object_]
    offsets: NDArray[np.int64] | None
    flips: NDArray[np.bool_] | None


class Decoded(NamedTuple):
    """Pixels (B, crop, crop, 3) uint8 of a chunk, and which of them were replaced.

    bad lists the index of each photograph that can't be decoded, and the reason; replaced lists each position
    in the chunk that was filled by another photograph, and that photograph's index.
    """

    pixels: Tensor
    bad: list[tuple[int, str]]
    replaced: list[tuple[int, int]]


class Decoder(Dataset[Decoded | UserError]):
    """Decodes, resizes, crops and flips the photographs of a chunk, in a worker process.

    A photograph that can't be decoded is replaced by the next one that can, so the training data depend only
    on the files, not on which worker decodes them. An error of the machine is returned as the result, for
    the main process to raise.

    Args:
        paths: paths of all files (N,).
        resize: shorter side of an image after resizing, in pixels.
        crop: side of the square crop, in pixels.
        most_bad: number of bad photographs beyond which the rest of a chunk is left undecoded.
        read: returns the content of a file, given its path; None to open the file itself.
    """

    def __init__(
        self,
        paths: NDArray[np.object_],
        resize: int,
        crop: int,
        most_bad: int,
        read: Callable[[str], bytes] | None = None,
    ) -> None:
        self._paths, self._resize, self._crop = paths, resize, crop
        self._most_bad, self._read = most_bad, read

    def __getitem__(self, chunk: Chunk) -> Decoded | UserError:
        try:
            return self._decoded(chunk)
        except UserError as error:
            return type(error)(str(error))  # drop its cause, which may not be picklable

    def _decoded(self, chunk: Chunk) -> Decoded:
        pixels = room(len(chunk.indices), self._crop, self._crop, 3)
        bad: dict[int, str] = {}
        replaced = []
        for place, first in enumerate(chunk.indices):
            offset = None if chunk.offsets is None else chunk.offsets[place]
            image, index = self._first_good(int(first), chunk.paths[place], bad)
            if image is None:
                break
            crop = self._cropped(image, offset)
            flip = chunk.flips is not None and chunk.flips[place]
            pixels[place] = (crop.flip(-1) if flip else crop).permute(1, 2, 0)
            if index != first:
                replaced.append((place, index))
        return Decoded(pixels, list(bad.items()), replaced)

    def _first_good(self, index: int, path: str, bad: dict[int, str]) -> tuple[Tensor | None, int]:
        """Decode the first decodable file from this one on; return its image and its index."""
        while len(bad) <= self._most_bad:
            if len(bad) == len(self._paths):
                raise MachineError(
                    f"none of the {counted(len(bad), 'photograph')} of a split can be decoded (the last: "
                    f"{[*bad.values()][-1]}): put back intact ones, then run the same command again"
                )
            try:
                return read_resized(path, self._resize, self._read(path) if self._read else None), index
            except MachineError:
                raise
            except UserError as error:
                bad[index] = str(error)
                index = (index + 1) % len(self._paths)
                path = self._paths[index]
        return None, index

    def _cropped(self, image: Tensor, offset: NDArray[np.int64] | None) -> Tensor:
        spare = [side - self._crop for side in image.shape[1:]]
        if offset is None:
            row, column = (round(s / 2) for s in spare)  # as in torchvision's center_crop
        else:
            row, column = (int(o) * (s + 1) // CROP_POSITIONS for o, s in zip(offset, spare, strict=True))
        return image[:, row : row + self._crop, column : column + self._crop]


def leave_signals_to(main: int, worker: int) -> None:
    """Make a worker process, at its start, react to signals from the main process only."""
    # Ctrl-C, a closed terminal and a scheduler's signals reach every process, but the main process still
    # needs its workers to finish the update. So only it reacts, and workers exit only on a SIGTERM from it.
    for name in ("SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if sys.platform == "linux":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_exit_on_sigterm_from, args=(main,), daemon=True).start()


def _exit_on_sigterm_from(main: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != main:
        pass
    os._exit(0)
