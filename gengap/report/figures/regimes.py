"""Validation error by update for every row of the tables: what regime adaptation does. Not in the paper."""

from math import ceil

from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from gengap.paper import tables as paper
from gengap.paper.methods import LABELS
from gengap.report.bands import Band, band_data
from gengap.report.cells import Records, Row, experiment_of
from gengap.report.figures.canvas import draw_band, legend, panels
from gengap.report.figures.errors import VALIDATION, error_band
from gengap.report.figures.figure import Figure, paragraph
from gengap.report.figures.style import METHOD_STYLES

SHOWN = ("sb", "lb", "lb_ra")
CAPTION = paragraph(
    "Not a figure of the paper; it draws figure 3's comparison for every row in fp32: the small batch "
    "(SB), the large batch in as many epochs and so in far fewer updates (LB), and the large batch with "
    "learning-rate adaptation, GBN and as many updates as SB (+RA). Validation error against updates, both "
    "axes logarithmic, every evaluation from the first to the last. Lines are means over n finished runs "
    "(n is in the tables and in the data), bands ± one sample standard deviation over seeds."
)
_PER_ROW = 3


def figure(records: Records) -> Figure:
    """SB, LB and +RA of every row that has at least two of them."""
    found = _rows(records)
    name, title = "regime_adaptation", "Error by update: fewer updates, or as many"
    if not found:
        nothing = ("no records yet: gengap train +sweep=quickstart",)
        return Figure(name, "", title, CAPTION, missing=nothing)
    named = (((row, m), band) for row, bands in found.items() for m, band in bands.items())
    missing = tuple(_gap(row, m) for row, bands in found.items() for m in SHOWN if m not in bands)
    data = {name: band_data(("workload", "method"), "update", "val_error", named)}
    return Figure(name, "", title, CAPTION, data=data, missing=missing, draw=lambda: _draw(found))


def _gap(row: str, method: str) -> str:
    what = f"{paper.title(row)}, {LABELS[method]}"
    return f"{what}: no finished run; gengap train +experiment={experiment_of(row, method)}"


def _rows(records: Records) -> dict[str, dict[str, Band]]:
    order = list(dict.fromkeys(p.row for p in paper.published()))
    order += sorted({row.name for row, _ in records.cells} - set(order))
    found: dict[str, dict[str, Band]] = {}
    for row in order:
        bands = {m: error_band(records.cell(Row(row), m), "update", VALIDATION) for m in SHOWN}
        present = {m: band for m, band in bands.items() if band is not None}
        if len(present) > 1:
            found[row] = present
    return found


def _draw(found: dict[str, dict[str, Band]]) -> Drawing:
    columns = min(_PER_ROW, len(found))
    drawing, axes = panels(ceil(len(found) / columns), columns)
    for axis, (row, bands) in zip(axes, found.items(), strict=False):
        for place, (method, band) in enumerate(bands.items()):
            draw_band(axis, band, METHOD_STYLES[method], place)
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.yaxis.set_minor_formatter(NullFormatter())
        axis.set_title(paper.title(row))
    for axis in axes[len(found) :]:
        axis.remove()
    drawing.supxlabel("updates $t$", fontsize=10)
    drawing.supylabel("validation error (%)", fontsize=10)
    legend(drawing, (METHOD_STYLES[m] for m in SHOWN if any(m in bands for bands in found.values())), {})
    return drawing
