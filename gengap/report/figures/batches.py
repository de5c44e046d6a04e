"""Distance from initialisation by batch size: figures 2 and 7, Resnet44 on CIFAR-10."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D

from gengap.paper.figures import published
from gengap.report.bands import Band, band_data
from gengap.report.cells import Records
from gengap.report.distance import Walk, fit_data, fit_table, read_walk
from gengap.report.figures.canvas import (
    PUBLISHED,
    count_from_zero,
    draw_band,
    draw_published,
    legend,
    panels,
    say_empty,
)
from gengap.report.figures.figure import Figure, paragraph
from gengap.report.figures.members import FIXED, SCALED, Member, counts, find, gaps
from gengap.report.figures.norms import norm_table
from gengap.report.figures.walks import DASHES, FITS, draw_fit

PANELS = {"2a": (FIXED, "one learning rate"), "2b": (SCALED, "+LR and GBN")}
NORMS: dict[str, int | None] = {"first convolution": 0, "all parameters": None}
NAMES = ("panel", "norm", "line", "experiment")

_WHICH = (
    "The paper does not say which norm it shows, and its code logs only the first parameter tensor: both "
    "that tensor's (the first convolution) and that of all parameters are drawn, with the published values "
    "beside each. Hollow markers are values at the end of the phase, read off the published figure 2, to "
    "±0.1."
)
_SLOPES = (
    'In "Which norm?" slopes are per ln t, ours over the last decade of updates of the phase: where the '
    "published ones were read is not known."
)
_LINES = (
    "Only the phase of the initial learning rate is drawn, the first 81 epochs; its last point is "
    "interpolated in ln t between the recorded updates around it. Lines are means over n finished runs, "
    "bands ± one sample standard deviation over seeds."
)


@dataclass(frozen=True)
class Line:
    """One line of a panel, in one norm."""

    panel: str
    norm: str
    member: Member
    walk: Walk

    @property
    def words(self) -> tuple[str, ...]:
        """What tells it apart, under NAMES."""
        return (self.panel, self.norm, self.member.label, self.member.experiment)


def figure2(records: Records) -> Figure:
    """Distance against updates in both norms, (a) at one learning rate, (b) after its adaptation and GBN."""
    members = {panel: find(records, lines) for panel, (lines, _) in PANELS.items()}
    every = tuple(m for found in members.values() for m in found)
    lines = [line for panel, found in members.items() for line in _lines(panel, found)]
    caption = paragraph(
        "Resnet44 on CIFAR-10: ||w_t - w_0|| against updates t at batch 64 to 2048. (a) all at the learning "
        "rate of batch 128; (b) after learning-rate adaptation (eq. 7) and GBN, where batch 128 is the same "
        "run as in (a).", _LINES, _WHICH, _SLOPES, FITS, *([counts(every)] if lines else []),
    )  # fmt: skip
    about = ("figure2", "Figure 2", "distance from initialisation by batch size", caption)
    missing = gaps(every, "figure2")
    if not lines:
        return Figure(*about, missing=missing)
    walks = [(line.words, line.walk) for line in lines]
    shown = [(words, found.initial_phase) for words, found in walks]
    which = norm_table([(line.panel, line.norm, line.member, line.walk) for line in lines])
    return Figure(
        *about,
        data={
            "figure2": band_data(NAMES, "update", "distance", shown),
            "figure2_fits": fit_data(NAMES, walks),
            "figure2_norms": which,
        },
        tables={"Which norm?": which, "Fits": fit_table(NAMES, walks)},
        missing=missing,
        draw=lambda: _draw2(lines),
    )


def figure7(records: Records) -> Figure:
    """Figure 2a against epochs."""
    members = find(records, FIXED)
    lines = _lines("2a", members)
    caption = paragraph(
        "The runs of figure 2a against epochs.", _LINES, _WHICH, *([counts(members)] if lines else [])
    )
    about = ("figure7", "Figure 7", "distance from initialisation by epoch", caption)
    missing = gaps(members, "figure1")
    if not lines:
        return Figure(*about, missing=missing)
    named = [(line.words[1:], _by_epoch(line.walk)) for line in lines]
    data = {"figure7": band_data(NAMES[1:], "epoch", "distance", named)}
    return Figure(*about, data=data, missing=missing, draw=lambda: _draw7(lines))


def _lines(panel: str, members: tuple[Member, ...]) -> list[Line]:
    found = [
        (norm, m, read_walk(m.group, tensor))
        for norm, tensor in NORMS.items()
        for m in members
        if m.group is not None
    ]
    return [Line(panel, norm, m, w) for norm, m, w in found if w is not None]


def _by_epoch(found: Walk) -> Band:
    band = found.initial_phase
    return Band(found.epochs_at(band.x), band.values)


def _draw2(lines: list[Line]) -> Drawing:
    drawing, axes = panels(len(NORMS), len(PANELS))
    places = [(norm, panel) for norm in NORMS for panel in PANELS]
    for axis, (norm, panel) in zip(axes, places, strict=True):
        shown = [line for line in lines if (line.norm, line.panel) == (norm, panel)]
        for place, line in enumerate(shown):
            draw_band(axis, line.walk.initial_phase, line.member.style, place)
            draw_fit(axis, line.walk, line.member.style)
            _publish(axis, line, line.walk.first_change)
        if not shown:
            say_empty(axis)
        axis.set_xscale("log")
        axis.set_ylim(bottom=0)
        axis.set_title(f"{panel[-1]}) {PANELS[panel][1]}: {norm}")
    drawing.supxlabel("updates $t$", fontsize=10)
    fit = {r"fit $a + b\,\ln t$": Line2D([], [], color="black", **DASHES)}
    _finish(drawing, lines, fit if any(line.walk.fitted for line in lines) else {})
    return drawing


def _draw7(lines: list[Line]) -> Drawing:
    drawing, axes = panels(1, len(NORMS))
    for axis, norm in zip(axes, NORMS, strict=True):
        for place, line in enumerate(line for line in lines if line.norm == norm):
            draw_band(axis, _by_epoch(line.walk), line.member.style, place)
            _publish(axis, line, float(line.walk.epochs_at(np.array(line.walk.first_change))))
        count_from_zero(axis)
        axis.set_ylim(bottom=0)
        axis.set_title(norm)
    drawing.supxlabel("epochs", fontsize=10)
    _finish(drawing, lines, {})
    return drawing


def _publish(axis: Axes, line: Line, x: float) -> None:
    value = published(line.panel, "end distance", line.member.experiment)
    if value and np.isfinite(x):
        draw_published(axis, x, float(value), line.member.style)


def _finish(drawing: Drawing, lines: list[Line], others: dict[str, Line2D]) -> None:
    drawing.supylabel(r"distance from initialisation  $\|w_t - w_0\|_2$", fontsize=10)
    # One entry a batch size: its style is the same in both panels.
    styles = {line.member.style.colour: line.member.style for line in reversed(lines)}
    order = sorted(styles.values(), key=lambda style: int(style.label.split()[0]))
    legend(drawing, order, others | {"published, read off": PUBLISHED})
