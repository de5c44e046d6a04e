"""What walks say about the steps at each number of updates and batch size, over seeds."""

from collections.abc import Callable, Mapping
from math import sqrt
from typing import Any

import numpy as np

from gengap.report.landscape.subjects import Record
from gengap.report.statistics import Summary, summarize

RULES = ("none", "sqrt")
SHARE = "|E Δw| / std"

Point = tuple[int, int]  # number of updates, and batch size
Of = Callable[
    [dict[str, Any], dict[str, Any]], float | None
]  # takes a measurement, and that with the smallest batch
Seeds = dict[int, dict[Point, dict[str, Any]]]


def share(m: dict[str, Any], _: dict[str, Any]) -> float | None:
    """|E Δw| relative to the standard deviation of Δw, which doesn't depend on the learning rate."""
    variance = m["covariance"]
    return sqrt(max(0.0, m["squared_mean"]) / variance) if variance > 0 else None


def _relative(rule: str) -> Of:
    def relative(m: dict[str, Any], smallest: dict[str, Any]) -> float | None:
        name = f"step_covariance_{rule}"
        return float(m[name] / smallest[name]) if m[name] is not None and smallest[name] > 0 else None

    return relative


def _as_recorded(name: str) -> Of:
    def recorded(m: dict[str, Any], _: dict[str, Any]) -> float | None:
        return None if m[name] is None else float(m[name])

    return recorded


QUANTITIES: dict[str, Of] = {
    SHARE: share,
    **{f"covariance, {rule}": _relative(rule) for rule in RULES},
    "noise scale": _as_recorded("noise_scale"),
    "its standard error": _as_recorded("noise_scale_error"),
}


def steps_along(record: Record) -> dict[str, None]:
    """Values to blank out for runs trained by ADAM, where older records may have them although not valid."""
    is_adam = record.content["config"]["workload"].get("optimizer") == "adam"
    return {f"step_covariance_{rule}": None for rule in RULES} if is_adam else {}


def has_steps(of_seeds: Seeds) -> bool:
    """Whether updates were measured, i.e. are multiples of the gradient."""
    found = (m["step_covariance_none"] for by_point in of_seeds.values() for m in by_point.values())
    return any(value is not None for value in found)


def points(of_seeds: Seeds) -> list[Point]:
    """List all points that at least one seed has."""
    return sorted({point for by_point in of_seeds.values() for point in by_point})


def summary(of_seeds: Seeds, point: Point, quantity: str, level: float = 0.95) -> Summary | None:
    """Summarize a quantity at a point over seeds; None if no seed has it."""
    known = [v for by_point in of_seeds.values() if (v := _value(by_point, point, quantity)) is not None]
    return summarize(known, level) if known else None


def medians(of_seeds: Seeds, quantity: str, batch: int) -> dict[int, float]:
    """Median of a quantity over all updates t between the first and last measured, by seed.

    Measured updates are roughly evenly spaced in ln(1 + t), so the quantity is interpolated linearly in it.
    """
    found = {}
    for seed, by_point in of_seeds.items():
        own = {p[0]: _value(by_point, p, quantity) for p in sorted(by_point) if p[1] == batch}
        known = {t: value for t, value in own.items() if value is not None}
        if known:
            every, measured = np.arange(min(known), max(known) + 1), np.array([*known])
            values = np.interp(np.log1p(every), np.log1p(measured), [*known.values()])
            found[seed] = float(np.median(values))
    return found


def _value(by_point: Mapping[Point, dict[str, Any]], point: Point, quantity: str) -> float | None:
    if point not in by_point:
        return None
    smallest = min(p for p in by_point if p[0] == point[0])
    return QUANTITIES[quantity](by_point[point], by_point[smallest])
