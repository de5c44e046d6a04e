"""Error by epoch or by update: figures 1, 3, 5 and 6, all Resnet44 on CIFAR-10."""

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
from gengap.report.figures.figure import Figure, paragraph
from gengap.report.figures.members import Member, counts, find, gaps
from gengap.report.format import signed, spread
from gengap.report.markup import Table
from gengap.report.statistics import summarise
from gengap.runs import read_metrics

TRAINING, VALIDATION = "train_error", "val_error"
_TITLES = {TRAINING: "training error", VALIDATION: "validation error"}
_CLOCKS = {"epoch": "epochs", "update": "updates $t$"}
_FINAL = "final validation error"

WORDS = (
    "Training error is the running mean since the evaluation before, in training mode and with augmentation; "
    "validation error is measured in evaluation mode, on the test split as in the paper. Lines are means "
    "over n finished runs, bands ± one sample standard deviation over seeds."
)
READ = (
    "Hollow markers, side by side after the end, are final validation errors read off the published figure, "
    "to ±0.15 points."
)


@dataclass(frozen=True)
class ErrorFigure:
    """A figure of errors: one panel a column; `zoom` adds one of what follows the published drop."""

    number: str
    title: str
    words: str
    sweep: str
    members: tuple[Member, ...]
    clock: str
    columns: tuple[str, ...]
    panel: str  # of the paper, that published values belong to
    zoom: bool = False

    @property
    def name(self) -> str:
        """`figure1`."""
        return self.number.lower().replace(" ", "")

    @property
    def drop(self) -> str:
        """Where the published curves drop, in updates; empty where nobody read it."""
        return published(self.panel, "drop")


def error_figure(records: Records, about: ErrorFigure) -> Figure:
    """The figure, of those of its runs that are there."""
    members = find(records, about.members)
    present = [m for m in members if m.n]
    missing = gaps(members, about.sweep)
    read = [READ] if any(_published_final(about, m) for m in members) else []
    caption = paragraph(about.words, WORDS, *read, *([counts(members)] if present else []))
    if not present:
        return Figure(about.name, about.number, about.title, caption, missing=missing)
    lines = [
        (m, column, error_band(m.group, about.clock, column)) for column in about.columns for m in present
    ]
    drawn = [(m, column, found) for m, column, found in lines if found is not None]
    named = (((_TITLES[column], m.label, m.experiment), found) for m, column, found in drawn)
    final = _final(about, present)
    return Figure(
        name=about.name,
        number=about.number,
        title=about.title,
        caption=caption,
        data={
            about.name: band_data(("panel", "line", "experiment"), about.clock, "error", named),
            f"{about.name}_final": final,
        },
        tables={"Final validation error, %": final},
        missing=missing,
        draw=lambda: _draw(about, drawn),
    )


def error_band(group: Group | None, clock: str, column: str) -> Band | None:
    """Error in percent at every evaluation of the finished runs; None where there is none."""
    if group is None:
        return None
    tables = [read_metrics(Path(directory)) for directory in group.finished["directory"]]
    rows = [t[t[column].notna()] for t in tables if column in t]
    return band([(r[clock].to_numpy(dtype=float), r[column].to_numpy(dtype=float)) for r in rows])


def _published_final(about: ErrorFigure, member: Member) -> str:
    return published(about.panel, _FINAL, member.experiment)


def _final(about: ErrorFigure, present: list[Member]) -> Table:
    rows = []
    for member in present:
        assert member.group is not None
        found = summarise([100 - accuracy for accuracy in member.group.accuracies])
        printed = _published_final(about, member)
        difference = signed(found.mean - float(printed)) if printed else ""
        rows.append(
            (member.label, member.experiment, str(found.n), spread(found), printed or "–", difference)
        )
    header = ("line", "experiment", "n", "ours ± std", "published (read off, ±0.15)", "difference")
    return Table(header, tuple(rows), labels=2)


Lines = list[tuple[Member, str, Band]]


def _draw(about: ErrorFigure, lines: Lines) -> Drawing:
    drawing, axes = panels(1, len(about.columns) + about.zoom)
    for axis, column in zip(axes, about.columns, strict=False):
        _panel(axis, about, column, [(m, found) for m, c, found in lines if c == column])
    if about.zoom:
        shown = [(m, found) for m, c, found in lines if c == about.columns[-1]]
        _panel(axes[-1], about, about.columns[-1], shown)
        _zoom(axes[-1], about, [found for _, found in shown])
    drawing.supxlabel(_CLOCKS[about.clock], fontsize=10)
    drawing.supylabel("error (%)", fontsize=10)
    others = {}
    if any(_published_final(about, m) for m, *_ in lines):
        others["published, read off"] = PUBLISHED
    if about.drop:
        others["published drop"] = DROP
    legend(drawing, (m.style for m, *_ in lines), others)
    return drawing


def _panel(axis: Axes, about: ErrorFigure, column: str, lines: list[tuple[Member, Band]]) -> None:
    for place, (member, found) in enumerate(lines):
        draw_band(axis, found, member.style, place)
        value = _published_final(about, member)
        if value and column == VALIDATION:
            # Side by side after the end: values that are close would hide each other.
            draw_published(axis, found.x[-1] * (1.02 + 0.03 * place), float(value), member.style)
    if about.drop:
        draw_drop(axis, float(about.drop))
    count_from_zero(axis)
    axis.set_ylim(0, _top(lines))
    axis.set_title(_TITLES[column])


def _top(lines: list[tuple[Member, Band]]) -> float:
    # The first evaluations are near chance and would flatten all that follows.
    return min(100.0, 1.3 * max(float(found.mean[len(found.x) // 8 :].max()) for _, found in lines))


def _zoom(axis: Axes, about: ErrorFigure, bands: list[Band]) -> None:
    start = 0.9 * float(about.drop)
    late = [found.mean[found.x > 1.05 * float(about.drop)] for found in bands]
    values = [float(v) for rows in late for v in rows]
    axis.set_xlim(start, 1.1 * max(found.x[-1] for found in bands))
    if values:
        axis.set_ylim(0.8 * min(values), 1.3 * max(values))
    axis.set_title(f"{_TITLES[about.columns[-1]]}, after the drop")
