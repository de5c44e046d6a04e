"""Batch size at each update, and the number of samples used so far, in exact arithmetic."""

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Batches:
    """Batches taken consecutively from epochs of `dataset_size` samples; updates are counted from 0.

    From update starts[k] on, each update takes sizes[k] samples; starts[0] is 0. A batch may span two epochs,
    unless `keep_partial` is set: then the last batch of an epoch holds the remaining samples, and there is
    only one size.
    """

    dataset_size: int
    sizes: tuple[int, ...]
    starts: tuple[int, ...] = (0,)
    keep_partial: bool = False

    @property
    def per_epoch(self) -> Fraction:
        """Updates per epoch at the last size: N / B exactly, or rounded up to count the partial batch."""
        ratio = Fraction(self.dataset_size, self.sizes[-1])
        return Fraction(-(-self.dataset_size // self.sizes[-1])) if self.keep_partial else ratio

    def phase(self, update: int) -> int:
        """Index of an update's batch size in `sizes`."""
        return bisect_right(self.starts, update) - 1

    def samples(self, updates: int) -> int:
        """Total number of samples in the first `updates` updates."""
        if self.keep_partial:
            epoch, step = divmod(updates, int(self.per_epoch))
            return epoch * self.dataset_size + min(step * self.sizes[0], self.dataset_size)
        found = 0
        for start, end, size in zip(self.starts, (*self.starts[1:], updates), self.sizes, strict=True):
            found += max(0, min(end, updates) - start) * size
        return found

    def epochs(self, updates: int) -> Fraction:
        """Number of epochs in the first `updates` updates; a partial batch counts as much as a full one."""
        if self.keep_partial:
            return updates / self.per_epoch
        return Fraction(self.samples(updates), self.dataset_size)

    def updates(self, epochs: Fraction) -> int:
        """Largest number of updates these epochs have samples for: floor(epochs * N / B) with one size B."""
        if self.keep_partial:
            return int(epochs * self.per_epoch)
        samples, ends = int(epochs * self.dataset_size), self.starts[1:]
        for start, end, size in zip(self.starts, ends, self.sizes, strict=False):
            if start + samples // size < end:
                return start + samples // size
            samples -= (end - start) * size
        return self.starts[-1] + samples // self.sizes[-1]

    def then(self, size: int, epochs: Fraction) -> "Batches":
        """Return a copy that switches to batches of `size` after `epochs` epochs, counted from the start."""
        return Batches(self.dataset_size, (*self.sizes, size), (*self.starts, self.updates(epochs)))
