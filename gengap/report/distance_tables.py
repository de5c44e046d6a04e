"""Fits of random walks as tables: a readable one with a row per walk, and numbers with a row per seed."""

from collections.abc import Iterable

import numpy as np

from gengap.report.distance import Walk
from gengap.report.fits import Quality, WalkFit, verdict
from gengap.report.format import spread
from gengap.report.markup import Table
from gengap.report.statistics import summarize

Named = tuple[tuple[str, ...], Walk]  # labels that identify a walk, and the walk


def fit_data(names: tuple[str, ...], walks: Iterable[Named]) -> Table:
    """Tabulate one row per seed: the window in updates, a + b ln t, and the quality of both laws."""
    header = (
        *names, "seed", "start", "end", "rows", "intercept", "slope", "r_squared_log", "rmse_log",
        "relative_log", "r_squared_power", "rmse_power", "relative_power", "no_fit",
    )  # fmt: skip
    rows = [(*labels, str(seed), *_fit_row(fit)) for labels, w in walks for seed, fit in w.fits.items()]
    return Table(header, tuple(rows), labels=len(names))


def _fit_row(fit: WalkFit | str) -> tuple[str, ...]:
    if isinstance(fit, str):
        return ("",) * 11 + (fit,)
    qualities = [x for q in (fit.log, fit.power) for x in (q.r_squared, q.rmse, q.relative)]
    numbers = (fit.intercept, fit.slope, *qualities)
    return (str(fit.start), str(fit.end), str(fit.rows), *(f"{x:.4g}" for x in numbers), "")


def fit_table(names: tuple[str, ...], walks: Iterable[Named]) -> Table:
    """Tabulate one row per walk, summarizing its seeds."""
    header = (
        *names, "n", "window (updates)", "rows", "slope b ± std", "a + b ln t: R²",
        "a + b ln t: error", "a t^b: R²", "a t^b: error", "better law", "if it starts later", "no fit",
    )  # fmt: skip
    return Table(header, tuple((*labels, *_summary(w)) for labels, w in walks), labels=len(names))


def _summary(found: Walk) -> tuple[str, ...]:
    fits, count = found.fitted, len(found.fits)
    missing = count - len(fits)
    reason = f"{missing} of {count}: {', '.join(found.reasons)}" if missing else ""
    if not fits:
        return ("0", *("",) * 9, reason)
    return (
        str(len(fits)),
        f"{_span([f.start for f in fits])} to {_span([f.end for f in fits])}",
        _span([f.rows for f in fits]),
        spread(summarize([f.slope for f in fits]), 3),
        *_quality([f.log for f in fits]),
        *_quality([f.power for f in fits]),
        verdict(fits),
        _later(found),
        reason,
    )


def _later(found: Walk) -> str:
    """Verdicts for windows that start later, by how many times as late."""
    return "; ".join(f"{k}×: {said}" for k, said in found.verdicts.items() if k in found.later)


def _quality(found: list[Quality]) -> tuple[str, str]:
    r_squared, relative = np.mean([q.r_squared for q in found]), np.mean([q.relative for q in found])
    return f"{r_squared:.3f}", f"{100 * relative:.1f} %"


def _span(values: list[int]) -> str:
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,}-{high:,}"
