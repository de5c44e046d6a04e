"""Sharpness and accuracy by batch size, all else being equal (Keskar et al. 2017, figure 4)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from gengap.report.bands import Array
from gengap.report.escape import picture_text
from gengap.report.figures.canvas import grid, legend
from gengap.report.figures.figure import Figure, paragraph
from gengap.report.figures.style import Style
from gengap.report.format import spread
from gengap.report.landscape.looks import at_batches, draw_points, log_spread, stem, styles
from gengap.report.landscape.numbers import SHARPNESS, Measure, Numbers, Value, measures
from gengap.report.landscape.subjects import Record, Subject, settings_besides
from gengap.report.landscape.tables import value, warnings
from gengap.report.markup import Table
from gengap.report.rows import Row
from gengap.report.statistics import Summary, summarize

FEWEST = 3  # least number of batch sizes
_VARIED = ("method.name", "method.batch_size")
TITLE = "sharpness by batch size"
CAPTION = paragraph(
    "Sharpness (Metric 2.1) by batch size, both on log axes, one panel per mode of batch norm; the last "
    "panel shows the accuracies of the same runs. The runs differ in nothing but the batch size. Sharpness: "
    "geometric mean over n seeds and ± one standard deviation of its logarithm; accuracies: mean ± one "
    "sample standard deviation."
)
_ACCURACIES: dict[str, Callable[[Value], float | None]] = {
    "validation accuracy": lambda v: v.accuracy,
    "training accuracy": lambda v: v.train_accuracy,
}


class Family(NamedTuple):
    """Runs that differ only in batch size, sorted by batch size."""

    subjects: tuple[Subject, ...]

    @property
    def row(self) -> Row:
        """Row to which they belong."""
        return self.subjects[0].row


def families(read: Sequence[Record], found: Numbers) -> list[Family]:
    """Find all families with at least FEWEST batch sizes that are measured in the same way."""
    grouped: dict[str, dict[int, Subject]] = {}
    for record in read:
        if record.kind == "sharpness" and record.subject in found:
            of_family = grouped.setdefault(settings_besides(record, _VARIED), {})
            of_family.setdefault(record.subject.batch_size, record.subject)
    families = (Family(tuple(of[batch] for batch in sorted(of))) for of in grouped.values())
    return [family for family in families if _known(family, found)]


def figures(read: Sequence[Record], found: Numbers) -> Iterator[Figure]:
    """Make a figure per family."""
    for family in families(read, found):
        name = stem("sharpness_by_batch", family.row.label)
        yield Figure(
            name=name,
            number="",
            title=f"{family.row.title}: {TITLE}",
            caption=CAPTION,
            data={name: _data(family, found)},
            tables={"By batch size": _table(family, found)},
            draw=partial(_draw, family, found),
        )


def _known(family: Family, found: Numbers) -> list[Measure]:
    """List the measures available for at least FEWEST batch sizes."""
    known = measures({s: found[s] for s in family.subjects}, SHARPNESS)
    return [m for m in known if sum(m in found[s] for s in family.subjects) >= FEWEST]


def shown(read: Sequence[Record], found: Numbers) -> set[tuple[str, Measure]]:
    """Collect the runs and measures shown in the figures' tables."""
    of_families = ((family, _known(family, found)) for family in families(read, found))
    return {(s.run, m) for family, known in of_families for s in family.subjects for m in known}


def _table(family: Family, found: Numbers) -> Table:
    rows = []
    for m in _known(family, found):
        for s in family.subjects:
            seeds = found[s].get(m, {})
            if seeds:
                accuracies = (spread(_accuracy(seeds.values(), name)) for name in _ACCURACIES)
                shown = (value(seeds), *accuracies, warnings([seeds]))
                rows.append((m.name, m.batch_norm, m.settings, f"{s.batch_size:,}", *shown))
    header = ("measure", "batch norm", "settings", "batch", "sharpness", "validation %", "training %")
    return Table((*header, "warnings"), tuple(rows), labels=3)


def _accuracy(values: Iterable[Value], name: str) -> Summary | None:
    known = [a for v in values if (a := _ACCURACIES[name](v)) is not None]
    return summarize(known) if known else None


def _data(family: Family, found: Numbers) -> Table:
    """Tabulate the drawn sharpness; `factor` is exp of the standard deviation of its logarithm."""
    rows = []
    for m in _known(family, found):
        for batch, values in _curve(family, found, m):
            middle, factor = log_spread(values)
            numbers = (f"{middle[0]:.6g}", "" if factor is None else f"{factor[0]:.6g}")
            rows.append((m.name, m.batch_norm, m.settings, str(batch), str(len(values)), *numbers))
    header = ("measure", "batch_norm", "settings", "batch_size", "n", "sharpness", "sharpness_factor")
    return Table(header, tuple(rows), labels=3)


def _curve(family: Family, found: Numbers, m: Measure) -> list[tuple[int, Array]]:
    """List every batch size with its positive values (seeds, 1)."""
    values = {s.batch_size: [v.value for v in found[s].get(m, {}).values()] for s in family.subjects}
    positive = {batch: [[v] for v in of_batch if v > 0] for batch, of_batch in values.items()}
    return [(batch, np.array(of_batch)) for batch, of_batch in positive.items() if of_batch]


def _draw(family: Family, found: Numbers) -> Drawing:
    known = _known(family, found)
    panels = list(dict.fromkeys((m.batch_norm, m.settings) for m in known))
    looks = styles([*(m.name for m in known), *_ACCURACIES])
    drawing, axes = grid(len(panels) + 1)
    for axis, (mode, settings) in zip(axes, panels, strict=False):
        for m in known:
            if (m.batch_norm, m.settings) == (mode, settings):
                _draw_curve(axis, list(_curve(family, found, m)), looks[m.name])
        axis.set_yscale("log")
        axis.set_title(picture_text(f"sharpness, {mode} {settings}".strip()))
    _draw_accuracies(axes[-1], family, found, looks)
    for axis in axes:
        at_batches(axis, [s.batch_size for s in family.subjects])
    drawing.supxlabel("batch size", fontsize=10)
    legend(drawing, looks.values(), {})
    return drawing


def _draw_curve(axis: Axes, points: list[tuple[int, Array]], style: Style) -> None:
    bands = []
    for batch, values in points:
        middle, factor = log_spread(values)
        width = 1.0 if factor is None else factor[0]
        bands.append((batch, middle[0], middle[0] / width, middle[0] * width))
    draw_points(axis, bands, style)


def _draw_accuracies(axis: Axes, family: Family, found: Numbers, looks: dict[str, Style]) -> None:
    for name in _ACCURACIES:
        bands = []
        for s in family.subjects:
            of_seeds = {seed: v for seeds in found[s].values() for seed, v in seeds.items()}
            summary = _accuracy(of_seeds.values(), name)
            if summary:
                low, high = summary.mean - (summary.std or 0), summary.mean + (summary.std or 0)
                bands.append((s.batch_size, summary.mean, low, min(high, 100.0)))
        draw_points(axis, bands, looks[name])
    axis.set_title("accuracy (%)")
