"""The samples of each update, with their crops and flips, which depend only on (seed, epoch, sample)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gengap.batches import Batches
from gengap.randomness import Purpose, generator


@dataclass(frozen=True)
class Batch:
    """The samples of one update and their augmentation.

    indices (B,) into the training set; crop offsets (B, 2) as (row, column), each in range(crop_positions);
    flips (B,); motions (B, 3) in [-1, 1]: clockwise rotation and shift to the right and down, as fractions of
    the largest allowed; zeros unless the stream draws motions.
    """

    indices: NDArray[np.int64]
    offsets: NDArray[np.int64]
    flips: NDArray[np.bool_]
    motions: NDArray[np.float32]


class Stream:
    """Batches taken from concatenated permutations of the training set, with a new permutation every epoch.

    A batch may span two epochs, so that SB and RA make the same number of updates, unless `batches` keeps the
    partial batch at the end of an epoch, as in the released code. Sample order and augmentation in an epoch
    do not depend on the batch size.

    Args:
        seed: seed of the run.
        batches: number of samples each update takes.
        crop_positions: crop offsets are drawn from range(crop_positions) on either axis.
        moving: whether to draw motions as well.
        share: maps the size of a batch to the slice of its samples that `batch` returns; None for all.
    """

    def __init__(
        self,
        seed: int,
        batches: Batches,
        crop_positions: int,
        *,
        moving: bool = False,
        share: Callable[[int], slice] | None = None,
    ) -> None:
        self._seed, self._batches, self._size = seed, batches, batches.dataset_size
        self._crop_positions, self._moving, self._share = crop_positions, moving, share
        self._epoch = lru_cache(maxsize=2)(self._draw_epoch)

    def batch(self, update: int) -> Batch:
        """Get the samples of an update (counted from 0), or this rank's share of them."""
        start, stop = self._batches.samples(update), self._batches.samples(update + 1)
        if self._share is not None:
            part = self._share(stop - start)
            start, stop = start + part.start, start + part.stop
        parts: list[Batch] = []
        while start < stop or not parts:
            epoch, first = divmod(start, self._size)
            last = min(self._size, first + stop - start)
            order, *drawn = self._epoch(epoch)
            indices = order[first:last]
            parts.append(Batch(indices, *(values[indices] for values in drawn)))
            start += last - first
        if len(parts) == 1:
            return parts[0]
        return Batch(
            np.concatenate([p.indices for p in parts]),
            np.concatenate([p.offsets for p in parts]),
            np.concatenate([p.flips for p in parts]),
            np.concatenate([p.motions for p in parts]),
        )

    def samples_seen(self, updates: int) -> int:
        """Total number of samples in the first `updates` updates."""
        return self._batches.samples(updates)

    def _draw_epoch(self, epoch: int) -> tuple[NDArray[Any], ...]:
        """Draw the order of an epoch, then crop offsets, flips and motions by sample index."""
        order = generator(self._seed, Purpose.ORDER, epoch).permutation(self._size)
        crops = generator(self._seed, Purpose.CROP, epoch)
        offsets = crops.integers(0, self._crop_positions, (self._size, 2))
        flips = generator(self._seed, Purpose.FLIP, epoch).integers(0, 2, self._size).astype(np.bool_)
        # Without motions, a broadcast view of one row takes neither memory nor time
        motions = np.broadcast_to(np.zeros(3, np.float32), (self._size, 3))
        if self._moving:
            draw = generator(self._seed, Purpose.MOTION, epoch)
            motions = draw.uniform(-1, 1, (self._size, 3)).astype(np.float32)
        return order, offsets, flips, motions
