"""Distance from initialization against updates: random walks of finished runs, and fits (figure 2)."""

from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np
from pandas import DataFrame

from gengap.report.bands import Array, Band, band
from gengap.report.cells import Group
from gengap.report.fits import NoFit, WalkFit, fit_log, fit_walk, verdict
from gengap.report.format import percent
from gengap.report.statistics import Summary, summarize
from gengap.runs import read_metrics, read_record

Fits = dict[int, WalkFit | str]  # by seed
FIRST_TENSOR = 0  # the only one whose distance the released code logs
NO_FIT = "no fit"
LATER = (2, 4)  # starts, as multiples of the first, that show whether the verdict depends on it


@dataclass(frozen=True)
class Walk:
    """The finished runs of one experiment.

    band: L2 norm of w_t - w_0 against updates t. epochs_per_update: ratio, as recorded. first_change: update
    at which the learning rate first changes; inf if it never does. ends: distance then, by seed. fits: fit,
    or why there is none, by seed. later: the same with the window starting this many times as late.
    """

    band: Band
    epochs_per_update: float
    first_change: float
    ends: dict[int, float]
    fits: Fits
    later: dict[int, Fits]

    @property
    def fitted(self) -> list[WalkFit]:
        """Fits of the seeds that have one."""
        return [f for f in self.fits.values() if isinstance(f, WalkFit)]

    @property
    def reasons(self) -> list[str]:
        """Reasons why the other seeds have none, sorted."""
        return sorted({f for f in self.fits.values() if isinstance(f, str)})

    @property
    def verdicts(self) -> dict[int, str]:
        """Which law fits, by how many times as late the window starts (from 1); `no fit` if none has."""
        starts = {1: self.fits, **self.later}
        found = {k: [f for f in fits.values() if isinstance(f, WalkFit)] for k, fits in starts.items()}
        return {k: verdict(fits) if fits else NO_FIT for k, fits in found.items()}

    @property
    def initial_phase(self) -> Band:
        """Rows before the learning rate first changes, plus one for the update at which it does."""
        before, t = self.band.until(self.first_change), self.band.x
        if not t[0] < self.first_change < t[-1] or self.first_change in t:
            return before
        ends = np.array([[distance] for distance in self.ends.values()])
        return Band(np.append(before.x, self.first_change), np.hstack([before.values, ends]))

    def distances(self, update: float) -> dict[int, float]:
        """Distance by seed at an update of the initial phase, interpolated in ln t between its rows."""
        phase = self.initial_phase
        at, t = np.log(update), np.log(phase.x)
        found = (float(np.interp(at, t, row)) for row in phase.values)
        return dict(zip(self.fits, found, strict=True))

    def end_distance(self) -> Summary | None:
        """Distance at the first change of the learning rate; None if the records do not reach it."""
        phase = self.initial_phase
        return summarize(list(phase.values[:, -1])) if phase.x[-1] == self.first_change else None

    def late_slope(self) -> Summary | None:
        """Least-squares slope per ln t over the last decade of the initial phase; None below two rows."""
        phase = self.initial_phase
        late = phase.x >= phase.x[-1] / 10
        if late.sum() < 2:
            return None
        return summarize([fit_log(phase.x[late], row[late])[1] for row in phase.values])

    def epochs_at(self, updates: Array) -> Array:
        """Convert updates to epochs."""
        return updates * self.epochs_per_update


def read_walk(group: Group, tensor: int | None = None) -> Walk | None:
    """Read the walk of all parameters, or of one parameter tensor by index; None without recorded rows."""
    walks: list[tuple[Array, Array]] = []
    fits: dict[int, Fits] = {k: {} for k in (1, *LATER)}
    ends: dict[int, float] = {}
    epochs_per_update, change = 0.0, inf
    for seed, directory in zip(group.finished["seed"], group.finished["directory"], strict=True):
        rows = read_metrics(Path(directory))
        recorded = _recorded(rows)
        if recorded.empty:
            continue
        change = _first_change(Path(directory))
        t = recorded["update"].to_numpy(dtype=np.float64)
        distance = _distance(recorded, tensor)
        walks.append((t, distance))
        ends[int(seed)] = _end(rows, t, distance, change, tensor)
        epochs_per_update = float(recorded["epoch"].iloc[-1]) / float(t[-1])
        clipped, share = _clipping(rows, change)
        start = max(_transient(Path(directory)), clipped)
        leaves_none = clipped > 0 and not ((t > clipped) & (t <= change)).any()
        for k, by_seed in fits.items():
            by_seed[int(seed)] = _clipped(share) if leaves_none else _fit(t, distance, k * start, change)
    found = band(walks)
    later = {k: fits[k] for k in LATER}
    return None if found is None else Walk(found, epochs_per_update, change, ends, fits[1], later)


def _recorded(rows: DataFrame) -> DataFrame:
    if "tensor_distances" not in rows:
        return rows.iloc[:0]
    # Evaluations also record a distance, but only these rows are evenly spaced in ln t; update 0 has no log
    return rows[rows["tensor_distances"].notna() & (rows["update"] > 0)]


def _distance(rows: DataFrame, tensor: int | None) -> Array:
    if tensor is None:
        return rows["distance"].to_numpy(dtype=np.float64)
    return np.array([distances[tensor] for distances in rows["tensor_distances"]], dtype=np.float64)


def _end(rows: DataFrame, t: Array, distance: Array, first_change: float, tensor: int | None) -> float:
    """Distance when the learning rate first changes, as recorded then by an evaluation, if there was one.

    Otherwise it is extrapolated linearly in ln t from the last two rows of the phase; those after it may be
    much farther away.
    """
    evaluated = rows[rows["update"] == first_change]["distance"]
    if tensor is None and not evaluated.empty:
        return float(evaluated.iloc[-1])
    t, distance = t[t <= first_change], distance[t <= first_change]
    if len(t) < 2 or first_change == inf:
        return float(distance[-1]) if len(t) else 0.0
    slope = np.diff(distance[-2:]) / np.diff(np.log(t[-2:]))
    return float(distance[-1] + slope[0] * np.log(first_change / t[-1]))


def _first_change(directory: Path) -> float:
    record = read_record(directory)
    milestones = record["regime"]["milestones"] if record else []
    return float(milestones[0]) if milestones else inf


def _transient(directory: Path) -> float:
    """Number of updates until momentum has built up: two of its time constants, 2 / (1 - momentum)."""
    record = read_record(directory)
    config = record["config"] if record else {}
    workload = config.get("workload", {})
    is_adam = workload.get("optimizer") == "adam"
    momentum = workload["adam_betas"][0] if is_adam else config.get("protocol", {}).get("momentum", 0.0)
    return 2 / (1 - float(momentum))


def _clipping(rows: DataFrame, first_change: float) -> tuple[float, float]:
    """Last update at which the gradient may be clipped before this change, and the share that is clipped."""
    phase = rows[rows["update"] <= first_change]
    if phase.empty:
        return 0.0, 0.0
    # Every row, including evaluations, has the clipped fraction of the updates since the previous row
    clipped = (phase["clipped"] * np.diff(phase["update"], prepend=0)).sum()
    last = phase[phase["clipped"] > 0]["update"].max() if clipped else 0
    return float(last), float(clipped / phase["update"].iloc[-1])


def _clipped(share: float) -> str:
    told = percent(share, 1)
    return f"clipping, of {told} of the updates, lasts until shortly before the learning rate changes"


def _fit(t: Array, distance: Array, after: float, first_change: float) -> WalkFit | str:
    try:
        return fit_walk(t, distance, after, first_change)
    except NoFit as reason:
        return str(reason)
