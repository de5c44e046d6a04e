"""Helpers for the landscape figures: line styles, file names, bands on a log axis."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from gengap.report.bands import Array
from gengap.report.escape import picture_text
from gengap.report.figures.style import METHOD_STYLES, SOLID, Dashes, Style

LOSS, ACCURACY = "#0b4f94", "#d1570c"
_STYLES = tuple(replace(style, width=1.6) for style in METHOD_STYLES.values())
_LONGEST_STEM = 100  # most characters in a file name


def styles(labels: Iterable[str]) -> dict[str, Style]:
    """Choose a style for each label, which may be text from a record."""
    unique = dict.fromkeys(labels)
    return {
        label: replace(_STYLES[k % len(_STYLES)], label=picture_text(label)) for k, label in enumerate(unique)
    }


def stem(*parts: str) -> str:
    """Join the parts to the stem of a file name."""
    text = "-".join(part for part in parts if part)
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")[:_LONGEST_STEM]


def distinct(stems: Iterable[str]) -> Iterator[str]:
    """Yield the stems, numbered if they repeat."""
    taken: set[str] = set()
    for name in stems:
        numbered = (f"{name}-{k}" for k in range(2, 10**6))
        found = name if name not in taken else next(n for n in numbered if n not in taken)
        taken.add(found)
        yield found


def draw_spread(
    axis: Axes, x: Array, middle: Array, factor: Array | None, color: str, dashes: Dashes = SOLID
) -> None:
    """Draw a line, and a band from `middle / factor` to `middle * factor`."""
    axis.plot(x, middle, color=color, linestyle=dashes, linewidth=1.6, zorder=3)
    if factor is not None:
        axis.fill_between(x, middle / factor, middle * factor, color=color, alpha=0.15, linewidth=0)


def draw_points(
    axis: Axes, points: Sequence[tuple[float, ...]], style: Style, label: str | None = None
) -> None:
    """Draw points (x, y), or (x, y, low, high) with a band, joined by a line; there may be none."""
    if not points:
        return
    x, y, *band = np.array(points, dtype=float).T
    axis.plot(x, y, marker=style.marker, markersize=4, color=style.color, linewidth=style.width, label=label)
    if band:
        axis.fill_between(x, *band, color=style.color, alpha=0.15, linewidth=0)


def log_spread(values: Array) -> tuple[Array, Array | None]:
    """Compute the geometric mean over seeds, and exp of the std of the logarithm; None for a single seed.

    Args:
        values: positive values (seeds, rows).
    """
    logs = np.log(values)
    factor = np.exp(logs.std(axis=0, ddof=1)) if len(logs) > 1 else None
    return np.exp(logs.mean(axis=0)), factor


def at_batches(axis: Axes, batches: Sequence[int]) -> None:
    """Set up a log axis with a tick at each batch size, or at every other one or fewer if there are many."""
    axis.set_xscale("log", base=2)
    shown = sorted(set(batches))
    axis.set_xticks(shown[:: 1 + len(shown) // 8])
    axis.xaxis.set_major_formatter(ScalarFormatter())
    axis.xaxis.set_minor_locator(LogLocator(base=2, subs=()))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.tick_params(axis="x", labelsize=8)
