"""Distance from initialisation of every cell of the tables (the paper shows it in figure 2)."""

from itertools import groupby
from math import ceil
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D

from gengap.report import paper
from gengap.report.cells import Records
from gengap.report.distance import Curve, curve_data, curves, fit_data, fit_table
from gengap.report.figures.canvas import panels
from gengap.report.figures.figure import Figure
from gengap.report.style import METHODS

CAPTION = """\
Distance is the L2 norm of w_t - w_0 over all parameters. Lines are means over seeds, bands ± one standard
deviation, dashes the mean fit. Fits use one window: the recorded rows after the last one with clipped
updates, up to the first change of the learning rate. Each run is fitted by itself, so n counts seeds. The
two laws are compared by prediction: each is fitted by least squares on the first half of the window's rows
(they are even in ln t), and "error" is the root mean square error on the last half, averaged over seeds; in
brackets, for how many seeds the better law is the better one.
"""

_PER_ROW = 3
# Wide and pale, so that a thin dark fit is legible on top of the curve that it follows.
_MEASURED: dict[str, Any] = {"linewidth": 3, "alpha": 0.5, "solid_capstyle": "round"}
_MARKER: dict[str, Any] = {
    "linestyle": "none",
    "markersize": 5,
    "markeredgecolor": "white",
    "markeredgewidth": 0.6,
}
_FIT: dict[str, Any] = {"linestyle": (0, (4, 2)), "linewidth": 1.1}
_EVERY = 6  # rows between two markers


def figure(records: Records) -> Figure:
    """Every cell that has finished runs with recorded rows."""
    found = curves(records)
    return Figure(
        name="distance",
        number="",
        title="Distance from initialisation",
        caption=CAPTION,
        data={"distance": curve_data(found), "distance_fits": fit_data(found)} if found else {},
        tables={"Fits": fit_table(found)} if found else {},
        missing=() if found else ("no records yet: gengap train +sweep=quickstart",),
        draw=(lambda: _draw(found)) if found else None,
    )


def _draw(found: list[Curve]) -> Drawing:
    """Against updates on a log axis, one panel a workload, with the fits."""
    workloads = [(w, list(rows)) for w, rows in groupby(found, key=lambda c: c.workload)]
    columns = min(_PER_ROW, len(workloads))
    drawing, axes = panels(ceil(len(workloads) / columns), columns)
    for axis, (workload, rows) in zip(axes, workloads, strict=False):
        _panel(axis, workload, rows)
    for axis in axes[len(workloads) :]:
        axis.remove()
    drawing.supxlabel("updates $t$", fontsize=10)
    drawing.supylabel(r"distance from initialisation  $\|w_t - w_0\|_2$", fontsize=10)
    _legend(drawing, found, columns)
    return drawing


def _panel(axis: Axes, workload: str, curves: list[Curve]) -> None:
    for curve in curves:
        look = METHODS[curve.method]
        mean = curve.distance.mean(axis=0)
        first = list(METHODS).index(curve.method)  # curves start together: markers shouldn't
        axis.plot(curve.t, mean, color=look.colour, **_MEASURED)
        axis.plot(
            curve.t, mean, look.marker, color=look.colour, markevery=(first, _EVERY), zorder=4, **_MARKER
        )
        if len(curve.distance) > 1:
            std = curve.distance.std(axis=0, ddof=1)
            axis.fill_between(curve.t, mean - std, mean + std, color=look.colour, alpha=0.2, linewidth=0)
        _fit_line(axis, curve)
    axis.set_xscale("log")
    axis.set_ylim(bottom=0)
    axis.set_title(paper.title(workload))


def _fit_line(axis: Axes, curve: Curve) -> None:
    if not curve.fitted:
        return
    t = np.geomspace(max(f.start for f in curve.fitted), min(f.end for f in curve.fitted), 50)
    # Linear in a and b: where the seeds share a window, their means are the fit of the mean curve.
    a = np.mean([f.intercept for f in curve.fitted])
    b = np.mean([f.slope for f in curve.fitted])
    darker = 0.65 * np.array(to_rgb(METHODS[curve.method].colour))
    axis.plot(t, a + b * np.log(t), color=darker, zorder=3, **_FIT)


def _legend(drawing: Drawing, found: list[Curve], columns: int) -> None:
    shown = [METHODS[m] for m in METHODS if any(c.method == m for c in found)]
    handles: list[Any] = [
        (
            Line2D([], [], color=k.colour, **_MEASURED),
            Line2D([], [], marker=k.marker, color=k.colour, **_MARKER),
        )
        for k in shown
    ]
    labels = [k.label for k in shown]
    if any(curve.fitted for curve in found):
        handles.append(Line2D([], [], color="black", **_FIT))
        labels.append(r"fit $a + b\,\ln t$")
    drawing.legend(handles, labels, loc="outside upper center", ncols=3 * columns, frameon=False)
