"""Distance from initialization by batch size: figure 2's question, for every row with several sizes."""

from dataclasses import replace

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure as Drawing

from gengap.report.bands import band_data
from gengap.report.batch_sizes import ADAPTED, ONE_RATE, Series, walks_by_batch
from gengap.report.cells import Records
from gengap.report.distance_tables import fit_data, fit_table
from gengap.report.escape import picture_text
from gengap.report.figures.canvas import draw_band, grid, legend
from gengap.report.figures.distance import DASHES, DISTANCE, FIT_DETAILS, FIT_LEGEND, draw_fit
from gengap.report.figures.figure import Figure, no_records, paragraph
from gengap.report.figures.style import BATCH_STYLES, Style

TITLE = "Distance from initialization by batch size, every row"
RATES = {ONE_RATE: "one learning rate", ADAPTED: "+LR and GBN"}  # as in figures 2a and 2b
FEWEST = 3  # least number of batch sizes for a law by batch size
NAMES = ("workload", "learning rate", "batch")
CAPTION = paragraph(
    "The L2 norm of w_t - w_0 over all parameters against updates t, for every row with at least three batch "
    "sizes: at one learning rate, and with learning-rate adaptation and GBN; the small batch is the same run "
    "in both. Lines are means over n finished runs, bands ± one sample standard deviation over seeds.",
    DASHES,
)


def figure(records: Records) -> Figure:
    """Make the figure of every row with enough batch sizes, before and after adapting the learning rate."""
    name, title = "walk_by_batch", TITLE
    found = {key: walks for key, walks in walks_by_batch(records).items() if len(walks) >= FEWEST}
    if not found:
        missing = no_records(records, "batch_sizes_mnist")
        return Figure(name, "", title, CAPTION, FIT_DETAILS, missing=missing)
    lines = [(row, RATES[m], str(b), w) for (row, m), walks in found.items() for b, w in walks.items()]
    named = [((row.label, rate, batch), walk) for row, rate, batch, walk in lines]
    return Figure(
        name=name,
        number="",
        title=title,
        caption=CAPTION,
        details=FIT_DETAILS,
        data={
            name: band_data(NAMES, "update", "distance", [(labels, walk.band) for labels, walk in named]),
            f"{name}_fits": fit_data(NAMES, named),
        },
        tables={
            "Which law?": fit_table(NAMES, [((row.title, *labels), w) for row, *labels, w in lines]),
        },
        draw=lambda: _draw(found),
    )


def _draw(found: Series) -> Drawing:
    """Draw walks against updates on a log axis, with the fits; one panel per row and learning rate."""
    styles = _styles(sorted({batch for walks in found.values() for batch in walks}))
    drawing, axes = grid(len(found))
    for axis, ((row, method), walks) in zip(axes, found.items(), strict=True):
        for index, (batch, walk) in enumerate(walks.items()):
            draw_band(axis, walk.band, styles[batch], index)
            draw_fit(axis, walk, styles[batch], index)
        axis.set_xscale("log")
        axis.set_ylim(bottom=0)
        axis.set_title(f"{picture_text(row.title)}: {RATES[method]}")
    drawing.supxlabel("updates $t$", fontsize=10)
    drawing.supylabel(DISTANCE, fontsize=10)
    fitted = any(walk.fitted for walks in found.values() for walk in walks.values())
    legend(drawing, styles.values(), FIT_LEGEND if fitted else {})
    return drawing


def _styles(batches: list[int]) -> dict[int, Style]:
    """Choose styles from dark to light by size, as in figure 2, also for sizes it doesn't have."""
    colors = colormaps["viridis"](np.linspace(0, 0.9, len(batches)))
    patterns = list(BATCH_STYLES.values())
    return {
        batch: replace(patterns[i % len(patterns)], label=f"{batch:,}", color=to_hex(color))
        for i, (batch, color) in enumerate(zip(batches, colors, strict=True))
    }
