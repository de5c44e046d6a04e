"""Accuracy on held-out training images against the learning rate, one panel per workload."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import ArrayLike

from gengap.report.bands import Array
from gengap.report.escape import picture_text
from gengap.report.figures.canvas import grid, legend
from gengap.report.figures.figure import Figure, paragraph
from gengap.report.figures.style import DOTTED, METHOD_STYLES, NOISE, Style
from gengap.report.landscape.looks import draw_points
from gengap.report.questions import rates_table
from gengap.report.questions.rates import RateCurve, Tuned

NAME, TITLE = "rates", "Accuracy by learning rate"
CAPTION = paragraph(
    "Accuracy on the held-out training images after the last epoch, against the learning rate of the first "
    "phase (log axis); bands are ± one sample standard deviation over seeds. Accuracies are spaced by the "
    "logarithm of the error. Dotted gray: the recipe's rate. Dotted in the color of +LR: √(B_L/B_S) times "
    "that, where +LR is a point on the curve of LB."
)
TOP = 99.99  # in percent; caps accuracy, because an error of 0 has no logarithm
_TICKS = (10, 20, 50, 70, 80, 90, 95, 97, 98, 98.5, 99, 99.5, 99.8, 99.9)
_FEWEST_TICKS = 3
_RECIPE = "#777777"


def figure(found: Sequence[Tuned], beside: Sequence[Tuned] = ()) -> Figure:
    """Make the figure with the curves of all workloads; there is nothing to draw without any.

    beside: curves with a single rate, which are only included in the data.
    """
    if not found:
        return Figure(NAME, "", TITLE, CAPTION)
    data = {NAME: rates_table.data([*found, *beside])}
    return Figure(NAME, "", TITLE, CAPTION, data=data, draw=partial(_draw, found))


def _draw(found: Sequence[Tuned]) -> Drawing:
    drawing, axes = grid(len(found))
    for axis, t, title in zip(axes, found, _titles(found), strict=True):
        axis.set_title(picture_text(title))
        for curve in t.curves.values():
            draw_points(axis, _points(curve), _style(curve.method))
        _panel(axis, t)
    drawing.supxlabel("learning rate of the first phase", fontsize=10)
    drawing.supylabel("hold-out accuracy (%)", fontsize=10)
    guides = {"the recipe's rate": _guide(_RECIPE)}
    if any(map(_marks_scaled, found)):
        guides["rate of +LR"] = _guide(METHOD_STYLES["lb_lr"].color)
    legend(drawing, (_style(m) for t in found for m in t.curves), guides)
    return drawing


def _points(curve: RateCurve) -> list[tuple[float, float, float, float]]:
    """List (rate, mean, mean - std, mean + std), with accuracies below TOP."""
    found = []
    for p in curve.points:
        if p.measured.accuracy:
            mean, std = p.measured.accuracy.mean, p.measured.accuracy.std or 0.0
            found.append((p.rate, min(mean, TOP), min(mean - std, TOP), min(mean + std, TOP)))
    return found


def _panel(axis: Axes, t: Tuned) -> None:
    """Set up scales, ticks and the marked rates."""
    axis.set_xscale("log")
    axis.set_yscale("function", functions=(_spaced, _accuracy))
    rates = sorted({p.rate for c in t.curves.values() for p in c.points})
    axis.xaxis.set_major_locator(FixedLocator(rates[:: 1 + len(rates) // 8]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.3g}"))
    axis.xaxis.set_minor_locator(NullLocator())
    low, high = axis.get_ylim()
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    even = MaxNLocator(5).tick_values(low, high)
    axis.yaxis.set_major_locator(FixedLocator(ticks if len(ticks) >= _FEWEST_TICKS else [*even]))
    axis.set_ylim(low, high)
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    axis.axvline(next(iter(t.curves.values())).recipe, **_look(_RECIPE))
    if _marks_scaled(t) and t.scaled:
        axis.axvline(t.scaled, **_look(METHOD_STYLES["lb_lr"].color))


def _spaced(accuracy: ArrayLike) -> Array:
    return np.asarray(-np.log(np.maximum(100 - np.asarray(accuracy, dtype=float), 100 - TOP)))


def _accuracy(spaced: ArrayLike) -> Array:
    return np.asarray(100 - np.exp(-np.asarray(spaced, dtype=float)))


def _marks_scaled(t: Tuned) -> bool:
    return "lb" in t.curves and t.scaled is not None


def _titles(found: Sequence[Tuned]) -> list[str]:
    """Make titles from the rows, without settings, but with epochs if two would be the same."""
    short = [t.row._replace(overrides="").title for t in found]
    return [
        f"{title}, {t.epochs:g} epochs" if short.count(title) > 1 else title
        for title, t in zip(short, found, strict=True)
    ]


def _style(method: str) -> Style:
    found = METHOD_STYLES.get(method) or replace(NOISE, label=picture_text(method))
    return replace(found, width=1.6)


def _look(color: str) -> dict[str, Any]:
    return {"color": color, "linewidth": 1.2, "linestyle": DOTTED, "zorder": 1}


def _guide(color: str) -> Line2D:
    return Line2D([], [], color=color, linewidth=1.2, linestyle=DOTTED)
