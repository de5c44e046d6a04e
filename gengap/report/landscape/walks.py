"""Mean and covariance of updates by batch size, and the gradient noise scale (section 4)."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from gengap.report.escape import picture_text
from gengap.report.figures.canvas import grid
from gengap.report.figures.figure import Figure, paragraph
from gengap.report.format import significant_spread
from gengap.report.landscape.looks import at_batches, draw_points, stem, styles
from gengap.report.landscape.steps import (
    QUANTITIES,
    RULES,
    SHARE,
    Seeds,
    has_steps,
    points,
    steps_along,
    summary,
)
from gengap.report.landscape.subjects import Record, Subject
from gengap.report.markup import Table
from gengap.report.statistics import Summary

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
NOT_ALONG = (
    " The run is trained with ADAM, whose updates are no multiples of the gradient: the middle panel is left "
    "out, and the left one is that of the gradient."
)


class Walked(NamedTuple):
    """A run whose training was repeated to measure its walk; equal ones differ only in the seed."""

    subject: Subject
    batch_norm: str
    settings: str

    @property
    def title(self) -> str:
        """Title such as `Mean and covariance of updates, F1, digits, SB, batch norm: ghost`."""
        settings = f" ({self.settings})" if self.settings else ""
        about = f"{self.subject.row.title}, {self.subject.label}, batch norm: {self.batch_norm}"
        return f"Mean and covariance of updates, {about}{settings}"


def collected(read: Sequence[Record]) -> dict[Walked, Seeds]:
    """Group the measurements by run and mode of batch norm, then by seed."""
    found: dict[Walked, Seeds] = {}
    for record in (r for r in read if r.kind == "walk" and r.measurements):
        key = Walked(record.subject, record.measurements[0]["batch_norm"], record.settings)
        along = steps_along(record)
        by_point = {(m["update"], m["batch_size"]): m | along for m in record.measurements}
        found.setdefault(key, {}).setdefault(record.seed, by_point)
    return found


def figures(read: Sequence[Record]) -> Iterator[Figure]:
    """Make a figure per run and mode of batch norm."""
    for key, of_seeds in collected(read).items():
        subject = key.subject
        of_run = (subject.row.label, subject.method or subject.run)
        name = stem("walk", *of_run, key.batch_norm, key.settings)
        yield Figure(
            name=name,
            number="",
            title=key.title,
            caption=CAPTION,
            details=DETAILS if has_steps(of_seeds) else paragraph(DETAILS.strip() + NOT_ALONG),
            data={name: _data(of_seeds)},
            tables={"By update and batch size": _table(of_seeds)},
            draw=partial(_draw, of_seeds),
        )


def _table(of_seeds: Seeds) -> Table:
    rows = []
    for point in points(of_seeds):
        cells = [summary(of_seeds, point, quantity) for quantity in QUANTITIES]
        n = max((cell.n for cell in cells if cell), default=0)
        shown = [significant_spread(c) + (f" (n={c.n})" if c and c.n != n else "") for c in cells]
        rows.append((f"{point[0]:,}", f"{point[1]:,}", str(n), *shown))
    return Table(("update", "batch", "n", *QUANTITIES), tuple(rows), labels=0)


def _data(of_seeds: Seeds) -> Table:
    """Tabulate every measurement of every seed."""
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
    found = points(of_seeds)
    updates, batches = sorted({u for u, _ in found}), sorted({b for _, b in found})
    ends = sorted({updates[0], updates[-1]})
    drawing, axes = grid(3)
    curves = {f"update {end:,}": (SHARE, end) for end in ends}
    _draw_by_batch(axes[0], of_seeds, batches, curves, SHARE)
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
    """Draw curves on a log axis, with a legend."""
    looks = styles(curves)
    for label, found in curves.items():
        above = [(x, s.mean) for x, s in found if s and s.mean > 0]
        draw_points(axis, above, looks[label], label=looks[label].label)
    axis.set_yscale("log")
    if axis.get_legend_handles_labels()[0]:  # with batch norm over the whole batch, there is no noise scale
        axis.legend(frameon=False, fontsize=7)
