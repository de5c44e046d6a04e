"""Distance from initialisation against updates: the curves, their fits, and both as data (figure 2)."""

from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np
from pandas import DataFrame

from gengap.report import paper
from gengap.report.cells import Group, Records
from gengap.report.fits import Array, NoFit, WalkFit, fit_walk
from gengap.report.markup import Table
from gengap.report.statistics import Summary, summarise
from gengap.report.style import METHODS
from gengap.runs import read_metrics, read_record


@dataclass(frozen=True)
class Curve:
    """A cell's walk over its finished runs.

    t: updates, shape (rows,). distance: L2 norm of w_t - w_0 over all parameters, shape (seeds, rows).
    fits: by seed, or the reason why that seed has none.
    """

    workload: str
    method: str
    t: Array
    distance: Array
    fits: dict[int, WalkFit | str]

    @property
    def fitted(self) -> list[WalkFit]:
        """The fits there are."""
        return [f for f in self.fits.values() if isinstance(f, WalkFit)]

    @property
    def reasons(self) -> list[str]:
        """Why the other seeds have none."""
        return sorted({f for f in self.fits.values() if isinstance(f, str)})


def curves(records: Records) -> list[Curve]:
    """One curve a cell that has finished runs with recorded rows; workloads in the tables' order."""
    order = list(dict.fromkeys(p.workload for p in paper.published()))
    order += sorted({workload for workload, _ in records.cells} - set(order))
    groups = (records.cells.get((w, m)) for w in order for m in METHODS)
    found = (_curve(group) for group in groups if group is not None and not group.finished.empty)
    return [curve for curve in found if curve is not None]


def _curve(group: Group) -> Curve | None:
    walks, fits = [], {}
    for seed, directory in zip(group.finished["seed"], group.finished["directory"], strict=True):
        rows = read_metrics(Path(directory))
        t, distance = _recorded(rows)
        if len(t):
            walks.append(dict(zip(t, distance, strict=True)))
            fits[int(seed)] = _fit(t, distance, rows, _first_change(Path(directory)))
    if not walks:
        return None
    shared = sorted(set.intersection(*(set(walk) for walk in walks)))
    values = np.array([[walk[t] for t in shared] for walk in walks])
    return Curve(group.workload, group.method, np.array(shared), values, fits)


def _recorded(rows: DataFrame) -> tuple[Array, Array]:
    if "tensor_distances" not in rows:
        return np.array([]), np.array([])
    # Only these are evenly spaced in ln t; evaluations have a distance too. Update 0 has no logarithm.
    rows = rows[rows["tensor_distances"].notna() & (rows["update"] > 0)]
    return rows["update"].to_numpy(dtype=np.float64), rows["distance"].to_numpy(dtype=np.float64)


def _first_change(directory: Path) -> float:
    record = read_record(directory)
    milestones = record["regime"]["milestones"] if record else []
    return float(milestones[0]) if milestones else inf


def _fit(t: Array, distance: Array, rows: DataFrame, first_change: float) -> WalkFit | str:
    # Every row counts the clipped updates since the row before it, whatever its kind.
    clipping = rows[(rows["clipped"] > 0) & (rows["update"] <= first_change)]["update"]
    try:
        return fit_walk(t, distance, 0.0 if clipping.empty else float(clipping.max()), first_change)
    except NoFit as reason:
        return str(reason)


def curve_data(found: list[Curve]) -> Table:
    """The figure's lines: mean and sample standard deviation over seeds of every recorded update."""
    rows = []
    for curve in found:
        for t, values in zip(curve.t, curve.distance.T, strict=True):
            s = summarise(list(values))
            std = "" if s.std is None else f"{s.std:.4g}"
            rows.append((curve.workload, curve.method, f"{t:.0f}", str(s.n), f"{s.mean:.6g}", std))
    return Table(("workload", "method", "update", "n", "distance_mean", "distance_std"), tuple(rows))


def fit_data(found: list[Curve]) -> Table:
    """One row a seed: the window in updates, a + b ln t, and both laws' error on the held-out last half."""
    header = (
        "workload", "method", "seed", "start", "end", "rows", "intercept", "slope", "r_squared", "rmse_log",
        "rmse_power", "no_fit",
    )  # fmt: skip
    rows = [
        (curve.workload, curve.method, str(seed), *_fit_row(fit))
        for curve in found
        for seed, fit in curve.fits.items()
    ]
    return Table(header, tuple(rows))


def _fit_row(fit: WalkFit | str) -> tuple[str, ...]:
    if isinstance(fit, str):
        return ("",) * 8 + (fit,)
    numbers = (fit.intercept, fit.slope, fit.r_squared, fit.rmse_log, fit.rmse_power)
    return (str(fit.start), str(fit.end), str(fit.rows), *(f"{x:.4g}" for x in numbers), "")


def fit_table(found: list[Curve]) -> Table:
    """One row a cell, over its seeds."""
    header = (
        "workload", "method", "n", "window (updates)", "rows", "slope b ± std", "R²", "error of a + b ln t",
        "error of a t^b", "predicts better", "no fit",
    )  # fmt: skip
    return Table(header, tuple(_summary_row(curve) for curve in found), labels=2)


def _summary_row(curve: Curve) -> tuple[str, ...]:
    fits = curve.fitted
    missing = len(curve.fits) - len(fits)
    reason = f"{missing} of {len(curve.fits)}: {', '.join(curve.reasons)}" if missing else ""
    names = (curve.workload, METHODS[curve.method].label)
    if not fits:
        return (*names, "0", *("",) * 7, reason)
    return (
        *names,
        str(len(fits)),
        f"{_span([f.start for f in fits])} to {_span([f.end for f in fits])}",
        _span([f.rows for f in fits]),
        _slope(summarise([f.slope for f in fits])),
        f"{np.mean([f.r_squared for f in fits]):.4f}",
        f"{np.mean([f.rmse_log for f in fits]):.3g}",
        f"{np.mean([f.rmse_power for f in fits]):.3g}",
        better(fits),
        reason,
    )


def better(fits: list[WalkFit]) -> str:
    """The law with the smaller mean error on held-out rows, and for how many seeds it is the better one."""
    log_first = sum(f.rmse_log - f.rmse_power for f in fits) < 0
    agree = sum((f.rmse_log < f.rmse_power) == log_first for f in fits)
    return f"{'a + b ln t' if log_first else 'a t^b'} ({agree} of {len(fits)})"


def _span(values: list[int]) -> str:
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,}-{high:,}"


def _slope(summary: Summary) -> str:
    return f"{summary.mean:.3f}" + ("" if summary.std is None else f" ± {summary.std:.3f}")
