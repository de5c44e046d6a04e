"""Validation error of a user's own runs that aren't in another figure: one figure per workload."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from matplotlib.figure import Figure as Drawing

from gengap.config.identity import as_typed, recorded_differences
from gengap.config.schema import Config
from gengap.paper import tables as paper
from gengap.paper.methods import LABELS, METHODS
from gengap.report.bands import Band, band_data
from gengap.report.cells import Group, Records, changed
from gengap.report.escape import picture_text
from gengap.report.figures import regime_adaptation
from gengap.report.figures.canvas import draw_band, grid, legend, on_logarithmic_axes
from gengap.report.figures.curves import ADAPTED_RATE, FIGURE3, FIGURE5, FIGURE6, FIXED_RATE
from gengap.report.figures.errors import LINES, VALIDATION, error_band
from gengap.report.figures.figure import Figure, paragraph
from gengap.report.figures.style import BATCH_STYLES, METHOD_STYLES, Style

PREFIX = "runs-"  # prefix of the figures' names
MOST = len(BATCH_STYLES)  # most lines in a figure
# Experiments shown in the paper's figures
ELSEWHERE = {c.experiment for c in (*FIXED_RATE, *ADAPTED_RATE, *FIGURE3, *FIGURE5, *FIGURE6)}
LONGEST = 48  # most characters in a label
CAPTION = paragraph(
    "Validation error against updates at every evaluation, one line per configuration; both axes are "
    "logarithmic. Labels name the settings in which the lines differ.",
    LINES,
)


def figures(records: Records) -> list[Figure]:
    """Make a figure for each workload with finished runs that aren't in another figure."""
    if records.are_published:
        return []
    variants = [g for g in records.variants if g.experiment not in ELSEWHERE]
    done = [g for g in (*records.cells.values(), *variants) if not g.finished.empty]
    groups = sorted(done, key=lambda g: METHODS.index(g.method) if g.method in METHODS else len(METHODS))
    drawn = {row.name for row in regime_adaptation.rows_drawn(records)} - {g.workload for g in variants}
    workloads = sorted({g.workload for g in groups} - drawn)
    return [
        _figure(f"{PREFIX}{number}", w, [g for g in groups if g.workload == w])
        for number, w in enumerate(workloads, 1)
    ]


def _figure(name: str, workload: str, groups: Sequence[Group]) -> Figure:
    title = f"Error by update: {paper.title(workload)}"
    if len(groups) > MOST:
        many = f"its {len(groups)} configurations are more than the {MOST} lines of a figure"
        return Figure(name, "", title, CAPTION, missing=(many,))
    bands = ((group, error_band(group, "update", VALIDATION)) for group in groups)
    shown = [(group, found) for group, found in bands if found is not None]
    if not shown:
        return Figure(name, "", title, CAPTION)
    labels = _labels([group for group, _ in shown])
    lines = {label: found for label, (_, found) in zip(labels, shown, strict=True)}
    named = (((label, g.run), found) for label, (g, found) in zip(labels, shown, strict=True))
    data = {name: band_data(("line", "run"), "update", "val_error", named)}
    return Figure(name, "", title, CAPTION, data=data, draw=partial(_draw, paper.title(workload), lines))


def _labels(groups: Sequence[Group]) -> list[str]:
    """Make unique labels: the method of each group, with the settings that not all of them share."""
    found = [changed(group) for group in groups]
    if all(differences is None for differences in found):  # a workload without experiments
        found = [recorded_differences(group.config, Config()) for group in groups]
    settings = [[as_typed({k: v}) for k, v in (differences or {}).items()] for differences in found]
    shared = set.intersection(*map(set, settings))
    labels = []
    for group, typed in zip(groups, settings, strict=True):
        own = [word for word in sorted(typed) if word not in shared]
        label = " ".join([LABELS.get(group.method, group.method), *own])
        labels.append(label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…")
    counts = Counter(labels)
    digests = [group.run.rpartition("-")[2] for group in groups]
    return [f"{a} ({digest})" if counts[a] > 1 else a for a, digest in zip(labels, digests, strict=True)]


def _styles(labels: Sequence[str]) -> list[Style]:
    """Choose a method's style for labels that only name a method, and other styles for the rest."""
    methods = {style.label: style for style in METHOD_STYLES.values()}
    others = iter(BATCH_STYLES.values())
    return [methods.get(label) or _labeled(next(others), label) for label in labels]


def _labeled(style: Style, label: str) -> Style:
    return Style(picture_text(label), style.color, style.marker, style.width, style.dashes)


def _draw(title: str, lines: dict[str, Band]) -> Drawing:
    drawing, (axis,) = grid(1)
    styles = _styles([*lines])
    for index, (found, style) in enumerate(zip(lines.values(), styles, strict=True)):
        draw_band(axis, found, style, index)
    on_logarithmic_axes(drawing, axis, title)
    legend(drawing, styles, {})
    return drawing
