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

FEWEST = 3  # least number of points
CAPTION = paragraph(
    "Validation accuracy and sharpness (Metric 2.1, log axis) of the large batch by the epochs that it was "
    "warm-started with the small one, one panel per mode of batch norm; 0 is LB. Dashed: the small batch "
    "alone. Accuracy: mean ± one sample standard deviation over seeds; sharpness: geometric mean and ± one "
    "standard deviation of its logarithm."
)
Band = tuple[float, float, float]  # middle, low, high


def figures(rows: dict[Row, list[Line]]) -> Iterator[Figure]:
    """Make a figure for each row in which LB and at least two warm starts share a measure."""
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


def _name(m: Measure | None) -> str:
    """Name of a curve; None means the accuracy."""
    return "validation accuracy" if m is None else f"sharpness, ε = {m.parameter:g}"


def _mode(m: Measure) -> str:
    return f"{m.batch_norm} {m.settings}".strip()


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


def _band(t: Trained, measure: Measure | None) -> Band | None:
    return _accuracy(t) if measure is None else _sharpness(t, measure)


def _data(points: Sequence[Line], small: Trained | None, measures: Sequence[Measure]) -> Table:
    """Tabulate what is drawn: the middle and the ends of the band."""
    of_lines = [(f"{line.epochs:g}", line.ours) for line in points] + ([("all", small)] if small else [])
    rows = [
        (_name(m), "" if m is None else _mode(m), epochs, *(f"{v:.6g}" for v in band))
        for epochs, t in of_lines
        for m in (None, *measures)
        if (band := _band(t, m))
    ]
    header = ("quantity", "batch_norm", "epochs_at_small_batch", "middle", "low", "high")
    return Table(header, tuple(rows), labels=3)


def _draw(points: Sequence[Line], small: Trained | None, measures: Sequence[Measure]) -> Drawing:
    shown = list(dict.fromkeys(map(_mode, measures)))
    drawing, (first, *others) = grid(1 + len(shown))
    axes = dict(zip(shown, others, strict=True))
    looks = styles(map(_name, (None, *measures)))
    for m in (None, *measures):
        axis, look = first if m is None else axes[_mode(m)], looks[_name(m)]
        found = [(line.epochs or 0.0, *band) for line in points if (band := _band(line.ours, m))]
        draw_points(axis, found, look)
        if small and (band := _band(small, m)):
            axis.axhline(band[0], color=look.color, linestyle=DASHED, linewidth=1.2)
    first.set_title("validation accuracy (%)")
    for mode, axis in axes.items():
        axis.set_yscale("log")
        axis.set_title(picture_text(f"sharpness, {mode}"))
    for axis in (first, *others):
        axis.set_xticks([line.epochs or 0.0 for line in points])
    drawing.supxlabel("epochs at the small batch", fontsize=10)
    legend(drawing, looks.values(), {})
    return drawing
