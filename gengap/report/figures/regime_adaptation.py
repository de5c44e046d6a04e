"""Effect of regime adaptation: validation error by update for every row of the tables. Not in the paper."""

from matplotlib.figure import Figure as Drawing

from gengap.paper.methods import LABELS
from gengap.report.bands import Band, band_data
from gengap.report.cells import Records, drawn_rows
from gengap.report.figures.canvas import draw_band, grid, legend, on_logarithmic_axes
from gengap.report.figures.errors import VALIDATION, error_band
from gengap.report.figures.figure import Figure, no_records, paragraph
from gengap.report.figures.style import METHOD_STYLES
from gengap.report.places import experiment_of
from gengap.report.rows import Row

SHOWN = ("sb", "lb", "lb_ra")
CAPTION = paragraph(
    "Validation error against updates at every evaluation, for every row, in bf16 where it has no runs in "
    "fp32; both axes are logarithmic. "
    "Lines are means over n finished runs (n is in the tables and in the data), bands ± one sample standard "
    "deviation over seeds."
)
DETAILS = paragraph(
    "Not in the paper: the comparison of figure 3 for every row. The small batch (SB), the large batch with "
    "as many epochs and hence far fewer updates (LB), and the large batch with learning-rate adaptation, GBN "
    "and as many updates as SB (+RA)."
)


def figure(records: Records) -> Figure:
    """Make the figure of SB, LB and +RA for every row with experiments for each and at least two curves."""
    begun, found = _rows(records), rows_drawn(records)
    name, title = "regime_adaptation", "Error by update, with and without regime adaptation"
    missing = tuple(
        _missing(records, row, m) for row, bands in (found or begun).items() for m in SHOWN if m not in bands
    )
    if not found:
        nothing = missing or no_records(records, "quickstart")
        return Figure(name, "", title, CAPTION, DETAILS, missing=nothing)
    named = (((row.label, m), band) for row, bands in found.items() for m, band in bands.items())
    data = {name: band_data(("workload", "method"), "update", "val_error", named)}
    return Figure(name, "", title, CAPTION, DETAILS, data, missing=missing, draw=lambda: _draw(found))


def rows_drawn(records: Records) -> dict[Row, dict[str, Band]]:
    """Collect the curves of the rows shown in the figure, by method."""
    return {row: bands for row, bands in _rows(records).items() if len(bands) > 1}


def _missing(records: Records, row: Row, method: str) -> str:
    words = [f"+experiment={experiment_of(row.name, method)}"]
    words += [f"precision={row.precision}"] if row.deviation else []
    return f"{row.title}, {LABELS[method]}: no finished run; {records.command(' '.join(words))}"


def _rows(records: Records) -> dict[Row, dict[str, Band]]:
    """Collect the curves of every row that has any, if its workload can be regime-adapted."""
    found: dict[Row, dict[str, Band]] = {}
    for row in (row for row in drawn_rows(records) if experiment_of(row.name, "lb_ra")):
        bands = {m: error_band(records.cell(row, m), "update", VALIDATION) for m in SHOWN}
        present = {m: band for m, band in bands.items() if band is not None}
        if present:
            found[row] = present
    return found


def _draw(found: dict[Row, dict[str, Band]]) -> Drawing:
    drawing, axes = grid(len(found))
    for axis, (row, bands) in zip(axes, found.items(), strict=True):
        for index, (method, band) in enumerate(bands.items()):
            draw_band(axis, band, METHOD_STYLES[method], index)
        on_logarithmic_axes(drawing, axis, row.title)
    legend(drawing, (METHOD_STYLES[m] for m in SHOWN if any(m in bands for bands in found.values())), {})
    return drawing
