"""Drawing shared by all pictures, without global state or display, and with reproducible bytes."""

from collections.abc import Iterable
from math import ceil
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from gengap.report.bands import Band
from gengap.report.escape import picture_text
from gengap.report.figures.figure import Figure
from gengap.report.figures.style import Style

_SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "svg.hashsalt": "gengap",
    "pdf.fonttype": 42,  # TrueType, because many journals reject the default
}
_PANEL = (4.2, 3.3)  # inches
_MARGINS = (0.3, 0.6)
_PER_ROW = 3
_ENTRY, _LETTER = 0.75, 0.075  # inches per legend entry, plus inches per letter of its label

_PALE = 0.6  # fraction of color mixed with white, so that a thin dark fit shows on top of its curve
_MARKER: dict[str, Any] = {
    "linestyle": "none",
    "markersize": 5,
    "markeredgecolor": "white",
    "markeredgewidth": 0.6,
}
_HOLLOW: dict[str, Any] = {
    "linestyle": "none",
    "markersize": 7.5,
    "markerfacecolor": "none",
    "markeredgewidth": 1.3,
}
_GUIDE: dict[str, Any] = {"color": "#777777", "linewidth": 0.9, "linestyle": (0, (1, 2))}

# Omit date and program, so that a picture has the same bytes every time
_METADATA: dict[str, dict[str, None]] = {
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    ".png": {"Software": None},
}
PICTURES = tuple(_METADATA)
PUBLISHED = Line2D([], [], marker="o", markeredgecolor="black", **_HOLLOW)
DROP = Line2D([], [], **_GUIDE)


def panels(rows: int, columns: int) -> tuple[Drawing, list[Axes]]:
    """Create a drawing with rows x columns panels, in row-major order."""
    size = (columns * _PANEL[0] + _MARGINS[0], rows * _PANEL[1] + _MARGINS[1])
    drawing = Drawing(figsize=size, layout="constrained")
    axes = list(drawing.subplots(rows, columns, squeeze=False).ravel())
    for axis in axes:
        axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    return drawing, axes


def grid(count: int) -> tuple[Drawing, list[Axes]]:
    """Create a drawing with `count` panels, at most three per row."""
    columns = min(_PER_ROW, count)
    drawing, axes = panels(ceil(count / columns), columns)
    for unused in axes[count:]:
        unused.remove()
    return drawing, axes[:count]


def draw_band(axis: Axes, band: Band, style: Style, index: int) -> None:
    """Draw the mean as a line with markers, and ± one standard deviation as a band; `index` counts curves."""
    every = max(1, len(band.x) // 8)
    mean, std = band.mean, band.std
    axis.plot(band.x, mean, zorder=3 - style.width / 10, **_line(style))  # thinner lines on top
    # Curves often start at the same point, but their markers should not coincide
    marks = (index * every // 5 % every, every)
    axis.plot(band.x, mean, style.marker, color=style.color, markevery=marks, zorder=4, **_MARKER)
    if std is not None:
        axis.fill_between(band.x, mean - std, mean + std, color=style.color, alpha=0.15, linewidth=0)


def _line(style: Style) -> dict[str, Any]:
    # Opaque, because a mixed color where lines cross would match no curve
    pale = tuple(_PALE * c + 1 - _PALE for c in to_rgb(style.color))
    return {
        "color": pale,
        "linestyle": style.dashes,
        "linewidth": style.width,
        "solid_capstyle": "round",
    }


def draw_published(axis: Axes, x: float, y: float, style: Style) -> None:
    """Draw a published value as a larger, hollow marker."""
    axis.plot([x], [y], style.marker, markeredgecolor=style.color, zorder=5, clip_on=False, **_HOLLOW)


def count_from_zero(axis: Axes) -> None:
    """Start the linear x axis at 0, with few enough ticks to fit their labels."""
    axis.set_xlim(left=0)
    axis.xaxis.set_major_locator(MaxNLocator(5))
    axis.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def on_logarithmic_axes(drawing: Drawing, axis: Axes, title: str) -> None:
    """Set up axes for validation error by update, both logarithmic; the title may come from a record."""
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.set_title(picture_text(title))
    drawing.supxlabel("updates $t$", fontsize=10)
    drawing.supylabel("validation error (%)", fontsize=10)


def say_empty(axis: Axes) -> None:
    """Write a note instead of an empty panel."""
    axis.set_axis_off()
    axis.text(0.5, 0.5, "no finished run yet", transform=axis.transAxes, ha="center", color="#777777")


def draw_drop(axis: Axes, x: float) -> None:
    """Draw a vertical line where the published curves drop."""
    axis.axvline(x, zorder=1, **_GUIDE)


def legend(drawing: Drawing, styles: Iterable[Style], others: dict[str, Line2D]) -> None:
    """Draw a legend above all panels: each style once, then the other handles."""
    unique = {style.label: style for style in styles}
    handles: list[Any] = [
        (
            Line2D([], [], **_line(k)),
            Line2D([], [], marker=k.marker, color=k.color, **_MARKER),
        )
        for k in unique.values()
    ]
    labels = [*unique, *others]
    width = sum(_ENTRY + _LETTER * len(label) for label in labels)
    columns = ceil(len(labels) / ceil(width / drawing.get_figwidth()))
    drawing.legend(
        [*handles, *others.values()],
        labels,
        loc="outside upper center",
        ncols=columns,
        frameon=False,
        handlelength=2.5,
    )


def save(figure: Figure, folder: Path) -> None:
    """Draw the figure into `<folder>/<name>.svg`, `.pdf` and `.png`, if there is anything to draw."""
    if figure.draw is None:
        return
    with mpl.rc_context(_SETTINGS):
        drawing = figure.draw()
        for suffix, metadata in _METADATA.items():
            drawing.savefig(folder / f"{figure.name}{suffix}", dpi=160, metadata=metadata)
            drawing.set_layout_engine("none")  # reuse the layout, since computing it takes as long as drawing
