"""Distance from initialization in every cell of the tables (shown in the paper's figure 2)."""

from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D

from gengap.paper.methods import LABELS, METHODS
from gengap.report.bands import band_data
from gengap.report.cells import Records, drawn_rows, row_names
from gengap.report.distance import FIRST_TENSOR, Walk, read_walk
from gengap.report.distance_tables import fit_data, fit_table
from gengap.report.escape import picture_text
from gengap.report.figures.canvas import draw_band, grid, legend
from gengap.report.figures.figure import Figure, no_records, paragraph
from gengap.report.figures.style import METHOD_STYLES, Style
from gengap.report.fits import LARGEST_ERROR, MINIMUM_UPDATES, SMALLEST_R_SQUARED
from gengap.report.markup import Table
from gengap.report.rows import KINDS, Row

DISTANCE = r"distance from initialization  $\|w_t - w_0\|_2$"
DASHES = "Dashes are the mean fit of a + b ln t, drawn over its window, whose ends are ticks."
FIT_DETAILS = paragraph(
    "The window of a fit is from the first recorded row after the transient, the later of 2 / (1 - momentum) "
    "updates and the last clipped update, to the first change of the learning rate, and drawn where the "
    "windows of all seeds overlap. Each run is fitted separately, so "
    'n counts seeds. In the table, "R²" is for a fit to the whole window and "error" for a prediction: each '
    "law is fitted by least squares to the first half of the window's rows (which are even in ln t), and "
    "its root mean square error on the last half is given in percent of the mean distance there. "
    '"better law" is the one that predicts better in most seeds (on average, if as many are for either), in '
    'parentheses in how many; "neither" if '
    f'its error is above {100 * LARGEST_ERROR:g} % or its R² below {SMALLEST_R_SQUARED:g}. "if it starts '
    'later" says the same of windows whose start is twice and four times as late: a verdict that changes '
    f"depends on where the window starts. Windows shorter than {MINIMUM_UPDATES} updates are not fitted."
)
CAPTION = paragraph(
    "The L2 norm of w_t - w_0 over all parameters against updates t, to the end of training; in bf16 where a "
    "row has no runs in fp32. Lines are means over n finished runs, bands ± one sample standard deviation "
    "over seeds.",
    DASHES,
    "The tables have every row: in one, the norm is over all parameters; in the other, over the first "
    "parameter tensor alone, as in the log of the released code.",
)
NAMES = ("workload", "method")

Walks = dict[tuple[Row, str], Walk]  # by cell, i.e. row and method

_FIT_POINTS = 50
_FIT_DASHES = (4.0, 2.0)
_FIT_LINE: dict[str, Any] = {
    "linestyle": (0, _FIT_DASHES),
    "linewidth": 1.1,
    "marker": "|",
    "markersize": 9,
    "markevery": _FIT_POINTS - 1,  # only the ends of the window
}
FIT_LEGEND = {r"fit $a + b\,\ln t$": Line2D([], [], color="black", **_FIT_LINE | {"markevery": 1})}


def figure(records: Records) -> Figure:
    """Every cell that has finished runs with recorded rows."""
    every = _walks(records)
    if not every:
        begun = any(not row.deviation for row, _ in records.cells)
        missing = no_records(records, "quickstart", begun=begun)
        return Figure("distance", "", "Distance from initialization", CAPTION, FIT_DETAILS, missing=missing)
    drawn = {*drawn_rows(records)}
    # A folder may hold nothing but runs of the released protocol
    found = {cell: walk for cell, walk in every.items() if cell[0] in drawn} or every
    bands = [((row.label, method), walk.band) for (row, method), walk in found.items()]
    first = _walks(records, FIRST_TENSOR)
    return Figure(
        name="distance",
        number="",
        title="Distance from initialization",
        caption=CAPTION,
        details=FIT_DETAILS,
        data={
            "distance": band_data(NAMES, "update", "distance", bands),
            "distance_fits": _fit_data(every),
            "distance_fits_first_tensor": _fit_data(first),
        },
        tables={"Fits": _fit_table(every), "Fits of the first parameter tensor": _fit_table(first)},
        draw=lambda: _draw(found),
    )


def _walks(records: Records, tensor: int | None = None) -> Walks:
    """The walks of the cells, row by row: of all parameters, or of one tensor."""
    rows = (Row(name, *kind) for name in row_names(records) for kind in KINDS)
    groups = {(row, m): records.cells.get((row, m)) for row in rows for m in METHODS}
    walks = {cell: read_walk(group, tensor) for cell, group in groups.items() if group is not None}
    return {cell: walk for cell, walk in walks.items() if walk is not None}


def _fit_data(walks: Walks) -> Table:
    return fit_data(NAMES, [((row.label, method), walk) for (row, method), walk in walks.items()])


def _fit_table(walks: Walks) -> Table:
    return fit_table(NAMES, [((row.title, LABELS[method]), walk) for (row, method), walk in walks.items()])


def _draw(found: Walks) -> Drawing:
    """Draw walks against updates on a log axis, with the fits; one panel per row."""
    rows = [(row, list(named)) for row, named in groupby(found.items(), key=lambda f: f[0][0])]
    drawing, axes = grid(len(rows))
    for axis, (row, named) in zip(axes, rows, strict=True):
        for index, ((_, method), walk) in enumerate(named):
            draw_band(axis, walk.band, METHOD_STYLES[method], index)
            draw_fit(axis, walk, METHOD_STYLES[method], index)
        axis.set_xscale("log")
        axis.set_ylim(bottom=0)
        axis.set_title(picture_text(row.title))
    drawing.supxlabel("updates $t$", fontsize=10)
    drawing.supylabel(DISTANCE, fontsize=10)
    present = {method for _, method in found}
    styles = [style for m, style in METHOD_STYLES.items() if m in present]
    legend(drawing, styles, FIT_LEGEND if any(walk.fitted for walk in found.values()) else {})
    return drawing


def draw_fit(axis: Axes, walk: Walk, style: Style, index: int) -> None:
    """Draw the mean fit as dashes, over the window shared by all seeds, with ticks at its ends.

    index: counts curves, so that the dashes of every other one fall into the gaps of a fit it coincides with.
    """
    if not walk.fitted:
        return
    t = np.geomspace(max(f.start for f in walk.fitted), min(f.end for f in walk.fitted), _FIT_POINTS)
    # The fit is linear in a and b, so for a shared window, their means are the fit to the mean curve
    a = np.mean([f.intercept for f in walk.fitted])
    b = np.mean([f.slope for f in walk.fitted])
    darker = 0.65 * np.array(to_rgb(style.color))
    offset = index % 2 * sum(_FIT_DASHES) / 2
    look = _FIT_LINE | {"linestyle": (offset, _FIT_DASHES)}
    axis.plot(t, a + b * np.log(t), color=darker, zorder=3, **look)
