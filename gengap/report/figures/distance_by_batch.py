"""Distance from initialization by batch size: figures 2 and 7, Resnet44 on CIFAR-10."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D

from gengap.paper.figures import published
from gengap.report.bands import Band, band_data
from gengap.report.cells import Records
from gengap.report.distance import FIRST_TENSOR, Walk, read_walk
from gengap.report.distance_tables import fit_data, fit_table
from gengap.report.figures.canvas import (
    PUBLISHED,
    count_from_zero,
    draw_band,
    draw_published,
    legend,
    panels,
    say_empty,
)
from gengap.report.figures.curves import (
    ADAPTED_RATE,
    FIXED_RATE,
    Curve,
    missing,
    run_counts,
    with_runs,
)
from gengap.report.figures.distance import DASHES, DISTANCE, FIT_DETAILS, FIT_LEGEND, draw_fit
from gengap.report.figures.figure import Figure, paragraph
from gengap.report.figures.norms import norm_table

PANELS = {"2a": (FIXED_RATE, "one learning rate"), "2b": (ADAPTED_RATE, "+LR and GBN")}
NORMS: dict[str, int | None] = {"first convolution": FIRST_TENSOR, "all parameters": None}
TABLE = "Which norm?"
LABELS = ("panel", "norm", "line", "experiment")

_NORM = (
    "The paper does not say which norm it shows, and its code logs only the first parameter tensor. Both are "
    "drawn, that tensor (the first convolution) and all parameters, each with the published values. Hollow "
    "markers are values at the end of the phase, read off the published figure 2, to ±0.1."
)
_SLOPE = (
    f'In "{TABLE}", slopes are per ln t, ours over the last decade of updates of the phase; where the '
    "published slopes were measured is not known."
)
_PHASE = (
    "Only the phase of the initial learning rate is drawn, the first 81 epochs; its last point is "
    "interpolated in ln t between the recorded updates around it. Lines are means over n finished runs, "
    "bands ± one sample standard deviation over seeds."
)


@dataclass(frozen=True)
class NormCurve:
    """A curve of one panel, in one norm."""

    panel: str
    norm: str
    curve: Curve
    walk: Walk

    @property
    def labels(self) -> tuple[str, ...]:
        """Values that identify the curve, in the columns LABELS."""
        return (self.panel, self.norm, self.curve.label, self.curve.experiment)


def figure2(records: Records) -> Figure:
    """Make figure 2: distance against updates in both norms, (a) at one learning rate, (b) +LR and GBN."""
    panel_curves = {panel: with_runs(records, curves) for panel, (curves, _) in PANELS.items()}
    every = tuple(c for curves in panel_curves.values() for c in curves)
    drawn = [found for panel, curves in panel_curves.items() for found in norm_curves(panel, curves)]
    caption = paragraph(
        "Resnet44 on CIFAR-10: ||w_t - w_0|| against updates t at batch 64 to 2048. (a) all at the learning "
        "rate of batch 128; (b) after learning-rate adaptation (eq. 7) and GBN, where batch 128 is the same "
        "run as in (a).",
        DASHES,
        *([run_counts(every)] if drawn else []),
    )
    details = f"{paragraph(_PHASE, _NORM, _SLOPE)}\n{FIT_DETAILS}"
    about = ("figure2", "Figure 2", "distance from initialization by batch size", caption, details)
    if not drawn:
        return Figure(*about, missing=missing(records, every, "figure2"))
    walks = [(c.labels, c.walk) for c in drawn]
    which = norm_table([(c.panel, c.norm, c.curve, c.walk) for c in drawn])
    return Figure(
        *about,
        data={
            "figure2": band_data(
                LABELS, "update", "distance", [(labels, walk.initial_phase) for labels, walk in walks]
            ),
            "figure2_fits": fit_data(LABELS, walks),
            "figure2_norms": which,
        },
        tables={TABLE: which, "Fits": fit_table(LABELS, walks)},
        missing=missing(records, every, "figure2"),
        draw=lambda: _draw2(drawn),
    )


def figure7(records: Records) -> Figure:
    """Make figure 7: figure 2a against epochs."""
    curves = with_runs(records, FIXED_RATE)
    drawn = norm_curves("2a", curves)
    caption = paragraph(
        "The runs of figure 2a against epochs.",
        *([run_counts(curves)] if drawn else []),
    )
    details = paragraph(_PHASE, _NORM)
    about = ("figure7", "Figure 7", "distance from initialization by epoch", caption, details)
    if not drawn:
        return Figure(*about, missing=missing(records, curves, "figure1"))
    bands = [(c.labels[1:], _by_epoch(c.walk)) for c in drawn]
    data = {"figure7": band_data(LABELS[1:], "epoch", "distance", bands)}
    return Figure(*about, data=data, missing=missing(records, curves, "figure1"), draw=lambda: _draw7(drawn))


def norm_curves(panel: str, curves: tuple[Curve, ...]) -> list[NormCurve]:
    """List the curves of a panel that have runs, in each norm."""
    found = [
        (norm, c, read_walk(c.group, tensor))
        for norm, tensor in NORMS.items()
        for c in curves
        if c.group is not None
    ]
    return [NormCurve(panel, norm, c, walk) for norm, c, walk in found if walk is not None]


def _by_epoch(walk: Walk) -> Band:
    band = walk.initial_phase
    return Band(walk.epochs_at(band.x), band.values)


def _draw2(drawn: list[NormCurve]) -> Drawing:
    drawing, axes = panels(len(NORMS), len(PANELS))
    places = [(norm, panel) for norm in NORMS for panel in PANELS]
    for axis, (norm, panel) in zip(axes, places, strict=True):
        shown = [c for c in drawn if (c.norm, c.panel) == (norm, panel)]
        for index, c in enumerate(shown):
            draw_band(axis, c.walk.initial_phase, c.curve.style, index)
            draw_fit(axis, c.walk, c.curve.style, index)
            _draw_published_end(axis, c, c.walk.first_change)
        if not shown:
            say_empty(axis)
        axis.set_xscale("log")
        axis.set_ylim(bottom=0)
        axis.set_title(f"{panel[-1]}) {PANELS[panel][1]}: {norm}")
    drawing.supxlabel("updates $t$", fontsize=10)
    _finish(drawing, drawn, FIT_LEGEND if any(c.walk.fitted for c in drawn) else {})
    return drawing


def _draw7(drawn: list[NormCurve]) -> Drawing:
    drawing, axes = panels(1, len(NORMS))
    for axis, norm in zip(axes, NORMS, strict=True):
        for index, c in enumerate(c for c in drawn if c.norm == norm):
            draw_band(axis, _by_epoch(c.walk), c.curve.style, index)
            _draw_published_end(axis, c, float(c.walk.epochs_at(np.array(c.walk.first_change))))
        count_from_zero(axis)
        axis.set_ylim(bottom=0)
        axis.set_title(norm)
    drawing.supxlabel("epochs", fontsize=10)
    _finish(drawing, drawn, {})
    return drawing


def _draw_published_end(axis: Axes, c: NormCurve, x: float) -> None:
    value = published(c.panel, "end distance", c.curve.experiment)
    if value and np.isfinite(x):
        draw_published(axis, x, float(value), c.curve.style)


def _finish(drawing: Drawing, drawn: list[NormCurve], others: dict[str, Line2D]) -> None:
    drawing.supylabel(DISTANCE, fontsize=10)
    # One entry per batch size, whose color is the same in both panels
    styles = {c.curve.style.color: c.curve.style for c in reversed(drawn)}
    order = sorted(styles.values(), key=lambda style: int(style.label.split()[0]))
    legend(drawing, order, others | {"published, read off": PUBLISHED})
