"""Which samples an update sees, and how each is cropped and flipped: a function of (seed, epoch, sample)."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gengap.randomness import Purpose, draws


@dataclass(frozen=True)
class Batch:
    """Samples of one update: indices (B,), crop offsets (B, 2) as (row, column), flips (B,).

    Offsets count from 0 to the stream's `positions`, which is the images' `positions`.
    """

    indices: NDArray[np.int64]
    offsets: NDArray[np.int64]
    flips: NDArray[np.bool_]


class Stream:
    """Batches cut from concatenated permutations of the training set, each epoch a fresh permutation.

    With `keep_partial_batch` no batch spans two epochs and the last of an epoch is smaller, as in the
    released code; otherwise every batch has exactly `batch_size` samples, so SB and RA make equal numbers
    of updates.
    """

    def __init__(
        self, seed: int, dataset_size: int, batch_size: int, positions: int, keep_partial_batch: bool
    ) -> None:
        self._seed, self._size, self.batch_size = seed, dataset_size, batch_size
        self._positions, self._keep_partial = positions, keep_partial_batch
        self._epoch = lru_cache(maxsize=2)(self._draw_epoch)

    def batch(self, update: int) -> Batch:
        """The samples of the update, counted from 0."""
        start, stop = self._span(update)
        parts = []
        while start < stop:
            epoch, first = divmod(start, self._size)
            last = min(self._size, first + stop - start)
            order, offsets, flips = self._epoch(epoch)
            indices = order[first:last]
            parts.append(Batch(indices, offsets[indices], flips[indices]))
            start += last - first
        if len(parts) == 1:
            return parts[0]
        return Batch(
            np.concatenate([p.indices for p in parts]),
            np.concatenate([p.offsets for p in parts]),
            np.concatenate([p.flips for p in parts]),
        )

    def _span(self, update: int) -> tuple[int, int]:
        """First and one past the last position of the update in the concatenated permutations."""
        if not self._keep_partial:
            return update * self.batch_size, (update + 1) * self.batch_size
        epoch, step = divmod(update, -(-self._size // self.batch_size))
        start = epoch * self._size + step * self.batch_size
        return start, min(start + self.batch_size, (epoch + 1) * self._size)

    def samples_seen(self, updates: int) -> int:
        """How many samples the first `updates` updates hold together."""
        return self._span(updates - 1)[1] if updates else 0

    def _draw_epoch(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        order = draws(self._seed, Purpose.ORDER, epoch).permutation(self._size)
        crops = draws(self._seed, Purpose.CROP, epoch)
        offsets = crops.integers(0, self._positions, (self._size, 2))
        flips = draws(self._seed, Purpose.FLIP, epoch).integers(0, 2, self._size).astype(np.bool_)
        return order, offsets, flips
