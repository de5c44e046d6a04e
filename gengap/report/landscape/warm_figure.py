"""Accuracy and sharpness by the epochs of a warm start, in the style of Keskar et al. 2017, figure 5."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure as Drawing

from gengap.report.escape import picture_text
from gengap.report.figures.canvas import grid, legend
from gengap.report.figures.figure import Figure, paragraph
from gengap.report.figures.style import DASHED
from gengap.report.landscape.looks import draw_points, log_spread, stem, styles
from gengap.report.landscape.numbers import Measure
from gengap.report.landscape.trained import Trained
from gengap.report.landscape.warm_starts import Line
from gengap.report.markup import Table
from gengap.report.rows import Row
from gengap.report.statistics import summarize

FEWEST = 3  # points
CAPTION = paragraph(
    "Validation accuracy and sharpness (Metric 2.1, log axis) of the large batch by the epochs that it was "
    "warm-started with the small one; 0 is LB. Dashed: the small batch alone. Accuracy: mean ± one sample "
    "standard deviation over seeds; sharpness: geometric mean and ± one standard deviation of its logarithm."
)
Band = tuple[float, float, float]  # middle, low, high
ACCURACY = "validation accuracy"


def figures(rows: dict[Row, list[Line]]) -> Iterator[Figure]:
    """A figure per row of which LB and at least two warm starts are measured by one measure."""
    for row, lines in rows.items():
        points = [line for line in lines if line.is_warm or line.ours is line.lb]
        small = next((line.ours for line in lines if line.epochs is None), None)
        counted = [m for m in lines[0].ours.sharpness if _count(points, m) >= FEWEST]
        measures = sorted(counted, key=lambda m: (m.batch_norm, m.settings, -(m.parameter or 0)))
        if measures:
            name = stem("warm_start", row.label)
            yield Figure(
                name=name,
                number="",
                title=f"{row.title}: accuracy and sharpness by the epochs of a warm start",
                caption=CAPTION,
                data={name: _data(points, small, measures)},
                draw=partial(_draw, points, small, measures),
            )


def _count(points: Sequence[Line], measure: Measure) -> int:
    return sum(measure in line.ours.sharpness for line in points)


def _label(m: Measure) -> str:
    parts = ("sharpness,", f"ε = {m.parameter:g},", m.batch_norm, m.settings)
    return " ".join(part for part in parts if part)


def _accuracy(t: Trained) -> Band | None:
    if not t.accuracy:
        return None
    found = summarize([*t.accuracy.values()])
    std = found.std or 0.0
    return found.mean, found.mean - std, min(found.mean + std, 100.0)


def _sharpness(t: Trained, measure: Measure) -> Band | None:
    values = [v.value for v in t.sharpness.get(measure, {}).values() if v.value > 0]
    if not values:
        return None
    middle, factor = log_spread(np.array([[v] for v in values]))
    width = 1.0 if factor is None else factor[0]
    return float(middle[0]), float(middle[0] / width), float(middle[0] * width)


def _curves(t: Trained, measures: Sequence[Measure]) -> dict[str, Band | None]:
    return {ACCURACY: _accuracy(t), **{_label(m): _sharpness(t, m) for m in measures}}


def _data(points: Sequence[Line], small: Trained | None, measures: Sequence[Measure]) -> Table:
    """What is drawn: the middle and the ends of the band."""
    of_lines = [(f"{line.epochs:g}", line.ours) for line in points] + ([("all", small)] if small else [])
    rows = [
        (name, epochs, *(f"{v:.6g}" for v in band))
        for epochs, t in of_lines
        for name, band in _curves(t, measures).items()
        if band
    ]
    return Table(("quantity", "epochs_at_small_batch", "middle", "low", "high"), tuple(rows), labels=2)


def _draw(points: Sequence[Line], small: Trained | None, measures: Sequence[Measure]) -> Drawing:
    drawing, (left, right) = grid(2)
    looks = styles([ACCURACY, *map(_label, measures)])
    of_points = [(line.epochs or 0.0, _curves(line.ours, measures)) for line in points]
    for name, look in looks.items():
        axis = left if name == ACCURACY else right
        found = [(x, *band) for x, curves in of_points if (band := curves[name])]
        draw_points(axis, found, look)
        if small and (band := _curves(small, measures)[name]):
            axis.axhline(band[0], color=look.color, linestyle=DASHED, linewidth=1.2)
    right.set_yscale("log")
    for axis, title in ((left, "validation accuracy (%)"), (right, "sharpness")):
        axis.set_title(picture_text(title))
        axis.set_xticks([line.epochs or 0.0 for line in points])
    drawing.supxlabel("epochs at the small batch", fontsize=10)
    legend(drawing, looks.values(), {})
    return drawing
