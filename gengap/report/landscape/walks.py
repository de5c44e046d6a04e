"""Mean and covariance of updates by batch size, and the gradient noise scale (section 4)."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import sqrt
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from gengap.report.escape import picture_text
from gengap.report.figures.canvas import grid
from gengap.report.figures.figure import Figure, paragraph
from gengap.report.format import significant_spread
from gengap.report.landscape.looks import at_batches, draw_points, stem, styles
from gengap.report.landscape.subjects import Record, Subject
from gengap.report.markup import Table
from gengap.report.statistics import Summary, summarize

CAPTION = paragraph(
    "Updates `Δw = -η ĝ` of independent batches, at the first and the last measured point of the run. Left: "
    "`|E Δw|` as a multiple of the standard deviation of Δw. Middle: `tr cov(Δw)` as a multiple of that at "
    "the smallest batch, for η as it is (none) and multiplied by the square root of the batch size (sqrt). "
    "Right: the gradient noise scale by update, for every batch size. Means over n seeds."
)
DETAILS = paragraph(
    "`|E Δw|` is estimated without the noise's share and is 0 where noise hides it. Momentum, weight decay "
    "and clipping are left out. The noise scale is `tr Σ / |E ĝ|²`, in samples, with Σ the covariance of one "
    "sample's gradient; it is blank where `|E ĝ|²` is not above 0."
)
RULES = ("none", "sqrt")
_SHARE = "|E Δw| / std"

Point = tuple[int, int]  # updates, batch size
Of = Callable[
    [dict[str, Any], dict[str, Any]], float | None
]  # of a measurement and that of the smallest batch


class Walked(NamedTuple):
    """A run that was walked along again: equal ones differ only in the seed."""

    subject: Subject
    batch_norm: str
    settings: str

    @property
    def title(self) -> str:
        """`Mean and covariance of updates, F1, digits, SB, batch norm: ghost`."""
        settings = f" ({self.settings})" if self.settings else ""
        about = f"{self.subject.row.title}, {self.subject.label}, batch norm: {self.batch_norm}"
        return f"Mean and covariance of updates, {about}{settings}"


Seeds = dict[int, dict[Point, dict[str, Any]]]


def share(m: dict[str, Any], _: dict[str, Any]) -> float | None:
    """|E Δw| as a multiple of the standard deviation of Δw, which no learning rate changes."""
    variance = m["covariance"]
    return sqrt(max(0.0, m["squared_mean"]) / variance) if variance > 0 else None


def _relative(rule: str) -> Of:
    def relative(m: dict[str, Any], smallest: dict[str, Any]) -> float | None:
        name = f"step_covariance_{rule}"
        return float(m[name] / smallest[name]) if smallest[name] > 0 else None

    return relative


def _as_recorded(name: str) -> Of:
    def recorded(m: dict[str, Any], _: dict[str, Any]) -> float | None:
        return None if m[name] is None else float(m[name])

    return recorded


QUANTITIES: dict[str, Of] = {
    _SHARE: share,
    **{f"covariance, {rule}": _relative(rule) for rule in RULES},
    "noise scale": _as_recorded("noise_scale"),
    "its standard error": _as_recorded("noise_scale_error"),
}


def figures(read: Sequence[Record]) -> Iterator[Figure]:
    """A figure per run and mode of batch norm."""
    found: dict[Walked, Seeds] = {}
    for record in (r for r in read if r.kind == "walk" and r.measurements):
        key = Walked(record.subject, record.measurements[0]["batch_norm"], record.settings)
        by_point = {(m["update"], m["batch_size"]): m for m in record.measurements}
        found.setdefault(key, {}).setdefault(record.seed, by_point)
    for key, of_seeds in found.items():
        subject = key.subject
        of_run = (subject.row.label, subject.method or subject.run)
        name = stem("walk", *of_run, key.batch_norm, key.settings)
        yield Figure(
            name=name,
            number="",
            title=key.title,
            caption=CAPTION,
            details=DETAILS,
            data={name: _data(of_seeds)},
            tables={"By update and batch size": _table(of_seeds)},
            draw=partial(_draw, of_seeds),
        )


def _points(of_seeds: Seeds) -> list[Point]:
    return sorted({point for by_point in of_seeds.values() for point in by_point})


def summary(of_seeds: Seeds, point: Point, quantity: str) -> Summary | None:
    """A quantity at a point over seeds; None where no seed has it."""
    values = []
    for by_point in of_seeds.values():
        smallest = min((p for p in by_point if p[0] == point[0]), default=None)
        if point in by_point and smallest:
            values.append(QUANTITIES[quantity](by_point[point], by_point[smallest]))
    known = [v for v in values if v is not None]
    return summarize(known) if known else None


def _table(of_seeds: Seeds) -> Table:
    rows = []
    for point in _points(of_seeds):
        cells = [summary(of_seeds, point, quantity) for quantity in QUANTITIES]
        n = max((cell.n for cell in cells if cell), default=0)
        shown = [significant_spread(c) + (f" (n={c.n})" if c and c.n != n else "") for c in cells]
        rows.append((f"{point[0]:,}", f"{point[1]:,}", str(n), *shown))
    return Table(("update", "batch", "n", *QUANTITIES), tuple(rows), labels=0)


def _data(of_seeds: Seeds) -> Table:
    """Every measurement of every seed."""
    columns = (
        "covariance", "covariance_error", "squared_mean", "squared_mean_error", "noise_scale",
        "noise_scale_error", *(f"{name}_{rule}" for rule in RULES for name in ("lr", "step_covariance")),
    )  # fmt: skip
    rows = [
        (str(seed), str(update), str(batch), str(m["draws"]), *(_number(m[c]) for c in columns))
        for seed, by_point in of_seeds.items()
        for (update, batch), m in sorted(by_point.items())
    ]
    return Table(("seed", "update", "batch_size", "draws", *columns), tuple(rows), labels=0)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _draw(of_seeds: Seeds) -> Drawing:
    points = _points(of_seeds)
    updates, batches = sorted({u for u, _ in points}), sorted({b for _, b in points})
    ends = sorted({updates[0], updates[-1]})
    drawing, axes = grid(3)
    curves = {f"update {end:,}": (_SHARE, end) for end in ends}
    _draw_by_batch(axes[0], of_seeds, batches, curves, _SHARE)
    curves = {f"{rule}, update {end:,}": (f"covariance, {rule}", end) for rule in RULES for end in ends}
    _draw_by_batch(axes[1], of_seeds, batches, curves, "tr cov(Δw), smallest batch = 1")
    of_batches = {
        f"batch {batch:,}": [(u + 1, summary(of_seeds, (u, batch), "noise scale")) for u in updates]
        for batch in batches
    }
    _draw_curves(axes[2], of_batches)
    axes[2].set_title("noise scale (samples)")
    axes[2].set_xscale("log")
    axes[2].set_xlabel("updates + 1")
    return drawing


def _draw_by_batch(
    axis: Axes, of_seeds: Seeds, batches: list[int], curves: dict[str, tuple[str, int]], title: str
) -> None:
    found = {
        label: [(b, summary(of_seeds, (end, b), quantity)) for b in batches]
        for label, (quantity, end) in curves.items()
    }
    _draw_curves(axis, found)
    axis.set_title(picture_text(title))
    at_batches(axis, batches)
    axis.set_xlabel("batch size")


def _draw_curves(axis: Axes, curves: dict[str, list[tuple[int, Summary | None]]]) -> None:
    """Curves on a log axis, with a legend."""
    looks = styles(curves)
    for label, found in curves.items():
        above = [(x, s.mean) for x, s in found if s and s.mean > 0]
        draw_points(axis, above, looks[label], label=looks[label].label)
    axis.set_yscale("log")
    if axis.get_legend_handles_labels()[0]:  # batch norm of the whole batch has no noise scale
        axis.legend(frameon=False, fontsize=7)
