"""Sharpness and accuracy by batch size, where runs differ in nothing else (Keskar et al. 2017, figure 4)."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from gengap.report.bands import Array
from gengap.report.escape import picture_text
from gengap.report.figures.canvas import grid, legend
from gengap.report.figures.figure import Figure, paragraph
from gengap.report.figures.style import Style
from gengap.report.format import spread
from gengap.report.landscape.looks import at_batches, log_spread, stem, styles
from gengap.report.landscape.numbers import SHARPNESS, Measure, Numbers, Seeds, measures
from gengap.report.landscape.subjects import Record, Subject
from gengap.report.landscape.tables import value, warnings
from gengap.report.markup import Table
from gengap.report.statistics import summarize

FEWEST = 3  # batch sizes
TITLE = "sharpness by batch size"
CAPTION = paragraph(
    "Sharpness (Metric 2.1) by batch size, both on log axes, one panel per mode of batch norm; the last "
    "panel shows the accuracies of the same runs. The runs differ in nothing but the batch size. Sharpness: "
    "geometric mean over n seeds and ± one standard deviation of its logarithm; accuracies: mean ± one "
    "sample standard deviation."
)
_ACCURACIES = ("validation accuracy", "training accuracy")


class Family(NamedTuple):
    """Runs that differ in the batch size alone, by batch size."""

    title: str
    name: str
    subjects: tuple[Subject, ...]


def families(read: Sequence[Record]) -> list[Family]:
    """All families of at least FEWEST batch sizes."""
    found: dict[str, dict[int, Subject]] = {}
    for record in read:
        if record.kind == "sharpness":
            found.setdefault(_rest(record), {}).setdefault(record.subject.batch_size, record.subject)
    return [
        Family(first.row.title, first.row.label, tuple(by_batch[batch] for batch in sorted(by_batch)))
        for by_batch in found.values()
        if len(by_batch) >= FEWEST
        for first in [next(iter(by_batch.values()))]
    ]


def _rest(record: Record) -> str:
    """The configuration without the batch size, the method's name, the seed, and where the run was made."""
    left_out = ("seed", "runtime", "results_dir", record.kind)
    config: dict[str, Any] = {k: v for k, v in record.content["config"].items() if k not in left_out}
    method = {k: v for k, v in config["method"].items() if k not in ("name", "batch_size")}
    return json.dumps(config | {"method": method}, sort_keys=True)


def figures(read: Sequence[Record], found: Numbers) -> Iterator[Figure]:
    """A figure per family."""
    for family in families(read):
        name = stem("sharpness_by_batch", family.name)
        yield Figure(
            name=name,
            number="",
            title=f"{family.title}: {TITLE}",
            caption=CAPTION,
            data={name: _data(family, found)},
            tables={"By batch size": _table(family, found)},
            draw=partial(_draw, family, found),
        )


def _known(family: Family, found: Numbers) -> list[Measure]:
    return measures({s: found[s] for s in family.subjects if s in found}, SHARPNESS)


def _table(family: Family, found: Numbers) -> Table:
    rows = []
    for m in _known(family, found):
        for s in family.subjects:
            seeds = found[s].get(m, {})
            if seeds:
                shown = (value(seeds), spread_of(seeds, 0), spread_of(seeds, 1), warnings([seeds]))
                rows.append((m.name, m.batch_norm, m.settings, f"{s.batch_size:,}", *shown))
    header = ("measure", "batch norm", "settings", "batch", "sharpness", "validation %", "training %")
    return Table((*header, "warnings"), tuple(rows), labels=3)


def spread_of(seeds: Seeds, which: int) -> str:
    """Mean ± std of the validation (0) or training (1) accuracy."""
    known = [a for v in seeds.values() if (a := (v.accuracy, v.train_accuracy)[which]) is not None]
    return spread(summarize(known)) if known else ""


def _data(family: Family, found: Numbers) -> Table:
    rows = [
        (*(m.name, m.batch_norm, m.settings, str(batch), str(n)), f"{middle:.6g}", factor)
        for m in _known(family, found)
        for batch, n, middle, factor in _curve(family, found, m)
    ]
    header = ("measure", "batch_norm", "settings", "batch_size", "n", "sharpness", "sharpness_factor")
    return Table(header, tuple(rows), labels=3)


def _curve(family: Family, found: Numbers, m: Measure) -> Iterator[tuple[int, int, float, str]]:
    for s in family.subjects:
        positive = [v.value for v in found[s].get(m, {}).values() if v.value > 0]
        if positive:
            middle, factor = log_spread(np.array(positive)[:, None])
            shown = "" if factor is None else f"{factor[0]:.6g}"
            yield s.batch_size, len(positive), float(middle[0]), shown


def _draw(family: Family, found: Numbers) -> Drawing:
    known = _known(family, found)
    modes = list(dict.fromkeys(m.batch_norm for m in known))
    names = [" ".join(part for part in (m.name, m.settings) if part) for m in known]
    looks = styles([*names, *_ACCURACIES])
    drawing, axes = grid(len(modes) + 1)
    for axis, mode in zip(axes, modes, strict=False):
        for m, name in zip(known, names, strict=True):
            if m.batch_norm == mode:
                _draw_curve(axis, list(_curve(family, found, m)), looks[name])
        axis.set_yscale("log")
        axis.set_title(picture_text(f"sharpness, batch norm: {mode}"))
    _draw_accuracies(axes[-1], family, found, looks)
    for axis in axes:
        at_batches(axis, [s.batch_size for s in family.subjects])
    drawing.supxlabel("batch size", fontsize=10)
    legend(drawing, looks.values(), {})
    return drawing


def _draw_curve(axis: Axes, points: list[tuple[int, int, float, str]], style: Style) -> None:
    if not points:
        return
    batches, _, middle, factors = zip(*points, strict=True)
    factor = np.array([float(f or 1) for f in factors])
    _line(axis, np.array(batches, dtype=float), np.array(middle), style)
    low, high = np.array(middle) / factor, np.array(middle) * factor
    axis.fill_between(batches, low, high, color=style.color, alpha=0.15, linewidth=0)


def _draw_accuracies(axis: Axes, family: Family, found: Numbers, looks: dict[str, Style]) -> None:
    for which, name in enumerate(_ACCURACIES):
        points = []
        for s in family.subjects:
            by_seed = {seed: v for seeds in found[s].values() for seed, v in seeds.items()}
            known = [a for v in by_seed.values() if (a := (v.accuracy, v.train_accuracy)[which]) is not None]
            if known:
                points.append(
                    (s.batch_size, float(np.mean(known)), float(np.std(known, ddof=len(known) > 1)))
                )
        if points:
            batches, mean, std = (np.array(column, dtype=float) for column in zip(*points, strict=True))
            _line(axis, batches, mean, looks[name])
            band = (mean - std, np.minimum(mean + std, 100))
            axis.fill_between(batches, *band, color=looks[name].color, alpha=0.15, linewidth=0)
    axis.set_title("accuracy (%)")


def _line(axis: Axes, x: Array, y: Array, style: Style) -> None:
    axis.plot(x, y, marker=style.marker, markersize=4, color=style.color, linewidth=style.width)
