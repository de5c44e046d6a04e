"""The figures, drawn with matplotlib's objects: no global figure, no display, the same bytes every time."""

from itertools import groupby
from math import ceil
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gengap.report import paper
from gengap.report.distance import Curve
from gengap.report.style import METHODS

_PER_ROW = 3
_PANEL = (4.2, 3.3)  # inches
_SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "svg.hashsalt": "gengap",
}
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


def draw_distance(found: list[Curve], svg: Path, png: Path) -> None:
    """Distance from initialisation against updates on a log axis, one panel a workload, with the fits."""
    with mpl.rc_context(_SETTINGS):
        panels = [(w, list(curves)) for w, curves in groupby(found, key=lambda c: c.workload)]
        columns = min(_PER_ROW, len(panels))
        rows = ceil(len(panels) / columns)
        figure = Figure(figsize=(columns * _PANEL[0] + 0.3, rows * _PANEL[1] + 0.6), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axis, (workload, curves) in zip(axes, panels, strict=False):
            _panel(axis, workload, curves)
        for axis in axes[len(panels) :]:
            axis.remove()
        figure.supxlabel("updates $t$", fontsize=10)
        figure.supylabel(r"distance from initialisation  $\|w_t - w_0\|_2$", fontsize=10)
        _legend(figure, found, columns)
        figure.savefig(svg, metadata={"Date": None, "Creator": None})
        figure.savefig(png, dpi=160, metadata={"Software": None})


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
    axis.set_title(paper.title(workload), fontsize=10, loc="left")
    axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)


def _fit_line(axis: Axes, curve: Curve) -> None:
    if not curve.fitted:
        return
    t = np.geomspace(max(f.start for f in curve.fitted), min(f.end for f in curve.fitted), 50)
    # Linear in a and b: where the seeds share a window, their means are the fit of the mean curve.
    a = np.mean([f.intercept for f in curve.fitted])
    b = np.mean([f.slope for f in curve.fitted])
    darker = 0.65 * np.array(to_rgb(METHODS[curve.method].colour))
    axis.plot(t, a + b * np.log(t), color=darker, zorder=3, **_FIT)


def _legend(figure: Figure, found: list[Curve], columns: int) -> None:
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
    figure.legend(handles, labels, loc="outside upper center", ncols=3 * columns, frameon=False)
