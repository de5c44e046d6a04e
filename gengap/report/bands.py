"""Curves over seeds: the same measurement of several runs, on the clock values that all of them have."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gengap.report.markup import Table
from gengap.report.statistics import summarise

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Band:
    """x: the clock, ascending, shape (rows,). values: shape (seeds, rows)."""

    x: Array
    values: Array

    @property
    def mean(self) -> Array:
        """Over seeds, shape (rows,)."""
        return np.asarray(self.values.mean(axis=0))

    @property
    def std(self) -> Array | None:
        """Sample standard deviation over seeds, shape (rows,); None for one seed."""
        return np.asarray(self.values.std(axis=0, ddof=1)) if len(self.values) > 1 else None

    def until(self, x: float) -> "Band":
        """The rows at or before x."""
        return Band(self.x[self.x <= x], self.values[:, self.x <= x])


def band(curves: Sequence[tuple[Array, Array]]) -> Band | None:
    """One (x, y) a seed, cut to the x that all share; None where no seed has any rows."""
    found = [dict(zip(x, y, strict=True)) for x, y in curves if len(x)]
    if not found:
        return None
    shared = sorted(set.intersection(*(set(curve) for curve in found)))
    return Band(np.array(shared), np.array([[curve[x] for x in shared] for curve in found]))


def band_data(
    names: tuple[str, ...], clock: str, value: str, bands: Iterable[tuple[tuple[str, ...], Band]]
) -> Table:
    """The lines of a figure as numbers: mean and sample standard deviation over seeds at every x.

    names: headers of the words that tell the bands apart. std is empty for one seed.
    """
    rows = []
    for words, found in bands:
        for x, values in zip(found.x, found.values.T, strict=True):
            s = summarise(list(values))
            std = "" if s.std is None else f"{s.std:.4g}"
            rows.append((*words, f"{x:.10g}", str(s.n), f"{s.mean:.6g}", std))
    return Table((*names, clock, "n", f"{value}_mean", f"{value}_std"), tuple(rows), labels=len(names))
