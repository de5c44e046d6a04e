"""Distance from initialisation of every cell of the tables (the paper shows it in figure 2)."""

from itertools import groupby
from math import ceil
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D

from gengap.paper import tables as paper
from gengap.paper.methods import LABELS, METHODS
from gengap.report.bands import band_data
from gengap.report.cells import Records, Row
from gengap.report.distance import Named, Walk, fit_data, fit_table, read_walk
from gengap.report.figures.canvas import draw_band, legend, panels
from gengap.report.figures.figure import Figure, paragraph
from gengap.report.figures.style import METHOD_STYLES, Style
from gengap.report.fits import LARGEST_ERROR, MINIMUM_UPDATES, SMALLEST_R_SQUARED

FITS = (
    "The dashes are the mean fit of a + b ln t and end where its window ends: from the first recorded row "
    "after the last clipped update to the first change of the learning rate. Each run is fitted by itself, "
    'so n counts seeds. In the table "R²" is of a fit to the whole window; "error" is of a prediction: each '
    "law is fitted by least squares on the first half of the window's rows (they are even in ln t), and its "
    "root mean square error on the last half is given in percent of the mean distance there. "
    '"Which law" names the better prediction, in brackets for how many seeds it is the better one; '
    f'"neither" where that law\'s error is above {100 * LARGEST_ERROR:g} % or its R² below '
    f"{SMALLEST_R_SQUARED:g}. A window of less than {MINIMUM_UPDATES} updates is not fitted."
)
CAPTION = paragraph(
    "The L2 norm of w_t - w_0 over all parameters against updates t, to the end of training. Lines are means "
    "over n finished runs, bands ± one sample standard deviation over seeds.",
    FITS,
)

NAMES = ("workload", "method")
DASHES: dict[str, Any] = {"linestyle": (0, (4, 2)), "linewidth": 1.1}

_PER_ROW = 3


def figure(records: Records) -> Figure:
    """Every cell that has finished runs with recorded rows."""
    found = _walks(records)
    if not found:
        missing = ("no records yet: gengap train +sweep=quickstart",)
        return Figure("distance", "", "Distance from initialisation", CAPTION, missing=missing)
    bands = [(words, w.band) for words, w in found]
    shown = [((workload, LABELS[method]), w) for (workload, method), w in found]
    return Figure(
        name="distance",
        number="",
        title="Distance from initialisation",
        caption=CAPTION,
        data={
            "distance": band_data(NAMES, "update", "distance", bands),
            "distance_fits": fit_data(NAMES, found),
        },
        tables={"Fits": fit_table(NAMES, shown)},
        draw=lambda: _draw(found),
    )


def _walks(records: Records) -> list[Named]:
    order = list(dict.fromkeys(p.row for p in paper.published()))
    order += sorted({row.name for row, _ in records.cells} - set(order))
    groups = {(row, m): records.cells.get((Row(row), m)) for row in order for m in METHODS}
    walks = ((words, read_walk(group)) for words, group in groups.items() if group is not None)
    return [(words, w) for words, w in walks if w is not None]


def _draw(found: list[Named]) -> Drawing:
    """Against updates on a log axis, one panel a workload, with the fits."""
    rows = [(row, list(named)) for row, named in groupby(found, key=lambda f: f[0][0])]
    columns = min(_PER_ROW, len(rows))
    drawing, axes = panels(ceil(len(rows) / columns), columns)
    for axis, (row, named) in zip(axes, rows, strict=False):
        for place, ((_, method), w) in enumerate(named):
            draw_band(axis, w.band, METHOD_STYLES[method], place)
            draw_fit(axis, w, METHOD_STYLES[method])
        axis.set_xscale("log")
        axis.set_ylim(bottom=0)
        axis.set_title(paper.title(row))
    for axis in axes[len(rows) :]:
        axis.remove()
    drawing.supxlabel("updates $t$", fontsize=10)
    drawing.supylabel(r"distance from initialisation  $\|w_t - w_0\|_2$", fontsize=10)
    others = {r"fit $a + b\,\ln t$": Line2D([], [], color="black", **DASHES)}
    present = {method for (_, method), _ in found}
    styles = [style for m, style in METHOD_STYLES.items() if m in present]
    legend(drawing, styles, others if any(w.fitted for _, w in found) else {})
    return drawing


def draw_fit(axis: Axes, found: Walk, style: Style) -> None:
    """The mean fit as dashes, over the window that all seeds share."""
    if not found.fitted:
        return
    t = np.geomspace(max(f.start for f in found.fitted), min(f.end for f in found.fitted), 50)
    # Linear in a and b: where the seeds share a window, their means are the fit of the mean curve.
    a = np.mean([f.intercept for f in found.fitted])
    b = np.mean([f.slope for f in found.fitted])
    darker = 0.65 * np.array(to_rgb(style.colour))
    axis.plot(t, a + b * np.log(t), color=darker, zorder=3, **DASHES)
