"""One look for every picture: no global figure, no display, the same bytes every time."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from gengap.report.figures.figure import Figure

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
}
_PANEL = (4.2, 3.3)  # inches
_MARGINS = (0.3, 0.6)

PICTURES = (".svg", ".png")


def panels(rows: int, columns: int) -> tuple[Drawing, list[Axes]]:
    """A drawing of rows x columns panels, the panels row by row."""
    size = (columns * _PANEL[0] + _MARGINS[0], rows * _PANEL[1] + _MARGINS[1])
    drawing = Drawing(figsize=size, layout="constrained")
    axes = list(drawing.subplots(rows, columns, squeeze=False).ravel())
    for axis in axes:
        axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    return drawing, axes


def save(figure: Figure, folder: Path) -> None:
    """Draw the figure, if there is anything to draw, into `<folder>/<name>` .svg and .png."""
    if figure.draw is None:
        return
    with mpl.rc_context(_SETTINGS):
        drawing = figure.draw()
        drawing.savefig(folder / f"{figure.name}.svg", metadata={"Date": None, "Creator": None})
        drawing.savefig(folder / f"{figure.name}.png", dpi=160, metadata={"Software": None})
