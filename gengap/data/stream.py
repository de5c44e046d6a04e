"""The samples of each update, with their crops and flips: functions of (seed, epoch, sample) alone."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gengap.randomness import Purpose, generator


@dataclass(frozen=True)
class Batch:
    """The samples of one update and their augmentation.

    indices (B,) into the training set; crop offsets (B, 2) as (row, column), each in
    range(crop_positions); flips (B,).
    """

    indices: NDArray[np.int64]
    offsets: NDArray[np.int64]
    flips: NDArray[np.bool_]


class Stream:
    """Batches cut from concatenated permutations of the training set, a new permutation every epoch.

    Every batch has exactly `batch_size` samples and may span two epochs, so that SB and RA make equal
    numbers of updates. With `keep_partial_batch` no batch spans two epochs and the last batch of an epoch
    holds what is left, as in the released code.

    Args:
        seed: of the run.
        dataset_size: number of training samples N.
        batch_size: samples per update B.
        crop_positions: crop offsets are drawn from range(crop_positions), on either axis.
        keep_partial_batch: end every epoch with its partial batch.
    """

    def __init__(
        self, seed: int, dataset_size: int, batch_size: int, crop_positions: int, keep_partial_batch: bool
    ) -> None:
        self._seed, self._size, self.batch_size = seed, dataset_size, batch_size
        self._crop_positions, self._keep_partial = crop_positions, keep_partial_batch
        self._epoch = lru_cache(maxsize=2)(self._draw_epoch)

    def batch(self, update: int) -> Batch:
        """The samples of an update, counted from 0."""
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

    def samples_seen(self, updates: int) -> int:
        """Number of samples in the first `updates` updates together."""
        return self._span(updates - 1)[1] if updates else 0

    def _span(self, update: int) -> tuple[int, int]:
        """Start and end (exclusive) of an update's samples in the concatenated permutations."""
        if not self._keep_partial:
            return update * self.batch_size, (update + 1) * self.batch_size
        epoch, step = divmod(update, -(-self._size // self.batch_size))
        start = epoch * self._size + step * self.batch_size
        return start, min(start + self.batch_size, (epoch + 1) * self._size)

    def _draw_epoch(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """The order of an epoch, and the crop offsets (N, 2) and flips (N,) of each sample by its index."""
        order = generator(self._seed, Purpose.ORDER, epoch).permutation(self._size)
        crops = generator(self._seed, Purpose.CROP, epoch)
        offsets = crops.integers(0, self._crop_positions, (self._size, 2))
        flips = generator(self._seed, Purpose.FLIP, epoch).integers(0, 2, self._size).astype(np.bool_)
        return order, offsets, flips
