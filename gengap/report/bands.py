"""Curves over seeds: the same measurement in several runs, at the x values they all share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gengap.report.markup import Table
from gengap.report.statistics import summarize

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Band:
    """One curve per seed. x: updates or epochs (rows,), ascending. values: measurements (seeds, rows)."""

    x: Array
    values: Array

    @property
    def mean(self) -> Array:
        """Mean over seeds, shape (rows,)."""
        return np.asarray(self.values.mean(axis=0))

    @property
    def std(self) -> Array | None:
        """Sample standard deviation over seeds, shape (rows,); None for a single seed."""
        return np.asarray(self.values.std(axis=0, ddof=1)) if len(self.values) > 1 else None

    def until(self, x: float) -> "Band":
        """Select the rows up to and including x."""
        return Band(self.x[self.x <= x], self.values[:, self.x <= x])


def band(curves: Sequence[tuple[Array, Array]]) -> Band | None:
    """Combine one (x, y) per seed, restricted to the x values they all share; None if there are none."""
    found = [dict(zip(x, y, strict=True)) for x, y in curves if len(x)]
    if not found:
        return None
    shared = sorted(set.intersection(*(set(curve) for curve in found)))
    if not shared:
        return None
    return Band(np.array(shared), np.array([[curve[x] for x in shared] for curve in found]))


def band_data(
    names: tuple[str, ...], clock: str, value: str, bands: Iterable[tuple[tuple[str, ...], Band]]
) -> Table:
    """Tabulate the curves of a figure: mean and sample standard deviation over seeds at each x.

    names: headers of the columns that identify a band. std is empty for a single seed.
    """
    rows = []
    for labels, found in bands:
        for x, values in zip(found.x, found.values.T, strict=True):
            s = summarize(list(values))
            std = "" if s.std is None else f"{s.std:.4g}"
            rows.append((*labels, f"{x:.10g}", str(s.n), f"{s.mean:.6g}", std))
    return Table((*names, clock, "n", f"{value}_mean", f"{value}_std"), tuple(rows), labels=len(names))
