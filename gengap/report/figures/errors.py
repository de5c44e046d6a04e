"""Error against epochs or updates: figures 1, 3, 5 and 6, all Resnet44 on CIFAR-10."""

from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from gengap.paper.figures import published
from gengap.report.bands import Band, band, band_data
from gengap.report.cells import Group, Records
from gengap.report.figures.canvas import (
    DROP,
    PUBLISHED,
    count_from_zero,
    draw_band,
    draw_drop,
    draw_published,
    legend,
    panels,
)
from gengap.report.figures.curves import Curve, missing, run_counts, with_runs
from gengap.report.figures.figure import Figure, paragraph
from gengap.report.format import signed, spread
from gengap.report.markup import Table
from gengap.report.statistics import summarize
from gengap.runs import read_metrics

TRAINING, VALIDATION = "train_error", "val_error"
_TITLES = {TRAINING: "training error", VALIDATION: "validation error"}
_CLOCKS = {"epoch": "epochs", "update": "updates $t$"}
_FINAL = "final validation error"

DETAILS = (
    "Training error is the running mean since the previous evaluation, in training mode and with "
    "augmentation; validation error is measured in evaluation mode, on the test split as in the paper."
)
LINES = "Lines are means over n finished runs, bands ± one sample standard deviation over seeds."
READ_OFF = (
    "Hollow markers after the end of the curves are final validation errors read off the published figure, "
    "to ±0.15 points."
)


@dataclass(frozen=True)
class ErrorFigure:
    """A figure of errors, one panel per column; `zoom` adds one that enlarges what follows the drop."""

    number: str
    title: str
    caption: str
    sweep: str
    curves: tuple[Curve, ...]
    clock: str
    columns: tuple[str, ...]
    panel: str  # panel in the paper's figure, to look up published values
    zoom: bool = False

    @property
    def name(self) -> str:
        """Stem of file names, such as `figure1`."""
        return self.number.lower().replace(" ", "")

    @property
    def drop(self) -> str:
        """Update at which the published curves drop, as text; empty if not read off."""
        return published(self.panel, "drop")


def error_figure(records: Records, about: ErrorFigure) -> Figure:
    """Make the figure from those of its runs that have records."""
    curves = with_runs(records, about.curves)
    present = [c for c in curves if c.n]
    read_off = [READ_OFF] if any(_published_final(about, c) for c in curves) else []
    counts = [run_counts(curves)] if present else []
    caption, details = paragraph(about.caption, LINES, *counts), paragraph(DETAILS, *read_off)
    lacking = missing(records, curves, about.sweep)
    if not present:
        return Figure(about.name, about.number, about.title, caption, details, missing=lacking)
    bands = [
        (c, column, error_band(c.group, about.clock, column)) for column in about.columns for c in present
    ]
    drawn = [(c, column, found) for c, column, found in bands if found is not None]
    named = (((_TITLES[column], c.label, c.experiment), found) for c, column, found in drawn)
    final = _final(about, present)
    return Figure(
        name=about.name,
        number=about.number,
        title=about.title,
        caption=caption,
        details=details,
        data={
            about.name: band_data(("panel", "line", "experiment"), about.clock, "error", named),
            f"{about.name}_final": final,
        },
        tables={"Final validation error, %": final},
        missing=lacking,
        draw=lambda: _draw(about, drawn),
    )


def error_band(group: Group | None, clock: str, column: str) -> Band | None:
    """Collect the error (%) at each evaluation of the finished runs; None if there are none."""
    if group is None:
        return None
    tables = [read_metrics(Path(directory)) for directory in group.finished["directory"]]
    rows = [t[t[column].notna()] for t in tables if column in t]
    return band([(r[clock].to_numpy(dtype=float), r[column].to_numpy(dtype=float)) for r in rows])


def _published_final(about: ErrorFigure, curve: Curve) -> str:
    return published(about.panel, _FINAL, curve.experiment)


def _final(about: ErrorFigure, present: list[Curve]) -> Table:
    rows = []
    for curve in present:
        assert curve.group is not None
        found = summarize([100 - accuracy for accuracy in curve.group.accuracies])
        printed = _published_final(about, curve)
        difference = signed(found.mean - float(printed)) if printed else ""
        rows.append((curve.label, curve.experiment, str(found.n), spread(found), printed or "–", difference))
    header = ("line", "experiment", "n", "ours ± std", "published (read off, ±0.15)", "difference")
    return Table(header, tuple(rows), labels=2)


Drawn = list[tuple[Curve, str, Band]]  # curve, column shown by the band, and band


def _draw(about: ErrorFigure, drawn: Drawn) -> Drawing:
    drawing, axes = panels(1, len(about.columns) + about.zoom)
    for axis, column in zip(axes, about.columns, strict=False):
        _panel(axis, about, column, [(c, found) for c, shown, found in drawn if shown == column])
    if about.zoom:
        last = [(c, found) for c, shown, found in drawn if shown == about.columns[-1]]
        _panel(axes[-1], about, about.columns[-1], last)
        _zoom(axes[-1], about, [found for _, found in last])
    drawing.supxlabel(_CLOCKS[about.clock], fontsize=10)
    drawing.supylabel("error (%)", fontsize=10)
    others = {}
    if any(_published_final(about, c) for c, *_ in drawn):
        others["published, read off"] = PUBLISHED
    if about.drop:
        others["published drop"] = DROP
    legend(drawing, (c.style for c, *_ in drawn), others)
    return drawing


def _panel(axis: Axes, about: ErrorFigure, column: str, drawn: list[tuple[Curve, Band]]) -> None:
    for index, (curve, found) in enumerate(drawn):
        draw_band(axis, found, curve.style, index)
        value = _published_final(about, curve)
        if value and column == VALIDATION:
            # Side by side, because close values would cover each other
            draw_published(axis, found.x[-1] * (1.02 + 0.03 * index), float(value), curve.style)
    if about.drop:
        draw_drop(axis, float(about.drop))
    count_from_zero(axis)
    axis.set_ylim(0, _top([found for _, found in drawn]))
    axis.set_title(_TITLES[column])


def _top(bands: list[Band]) -> float:
    # Ignore the first evaluations, which are near chance level
    return min(100.0, 1.3 * max(float(found.mean[len(found.x) // 8 :].max()) for found in bands))


def _zoom(axis: Axes, about: ErrorFigure, bands: list[Band]) -> None:
    start = 0.9 * float(about.drop)
    late = [found.mean[found.x > 1.05 * float(about.drop)] for found in bands]
    values = [float(v) for rows in late for v in rows]
    axis.set_xlim(start, 1.1 * max(found.x[-1] for found in bands))
    if values:
        axis.set_ylim(0.8 * min(values), 1.3 * max(values))
    axis.set_title(f"{_TITLES[about.columns[-1]]} after the drop")
