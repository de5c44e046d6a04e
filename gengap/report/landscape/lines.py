"""Loss and accuracy along paths between trained networks, in the style of Keskar et al. 2017."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D

from gengap.report.bands import Array
from gengap.report.cells import Records
from gengap.report.escape import picture_text
from gengap.report.figures.canvas import grid
from gengap.report.figures.canvas import panels as square
from gengap.report.figures.figure import Figure, paragraph
from gengap.report.figures.style import DASHED, SOLID
from gengap.report.landscape.looks import ACCURACY, LOSS, draw_spread, log_spread, stem
from gengap.report.landscape.numbers import mode_order
from gengap.report.landscape.starts import start_label
from gengap.report.landscape.subjects import Record, Subject
from gengap.report.markup import Table
from gengap.report.section import Plain

CAPTION = paragraph(
    "Loss (blue, log axis) and accuracy (orange) of the training set (solid) and of the validation set "
    "(dashed) along α; α = 0 is the first network and α = 1 the second. One panel per mode of batch norm. "
    "In the mode `trained`, each point uses the running statistics of the nearer network, so curves may jump "
    "at α = ½. "
    "Losses are geometric means over n pairs of seeds, accuracies means; bands are ± one sample standard "
    "deviation over seeds, of the logarithm for losses. The loss axis ends at 1000, or at 10 times the "
    "largest loss on [0, 1] where that is more; the data has the losses beyond."
)
TOP = 1e3  # upper limit of the loss axis
SPLITS = {"train": SOLID, "val": DASHED}
_COLUMNS = ("train_loss", "val_loss", "train_error", "val_error")


class Path(NamedTuple):
    """A path from one network to another. start: label of the first one. settings: unusual settings."""

    end: Subject
    start: str
    path: str
    settings: str

    @property
    def title(self) -> str:
        """Title such as `F1, digits: from SB to LB`."""
        curved = "" if self.path == "linear" else f", {self.path} path"
        settings = f" ({self.settings})" if self.settings else ""
        return f"{self.end.row.title}: from {self.start} to {self.end.label}{curved}{settings}"


@dataclass(frozen=True)
class Lines:
    """One panel: values at the α shared by all seeds (seeds, rows), by column.

    dropped: values of α left out because a loss there is not finite or not above 0.
    """

    alpha: Array
    values: dict[str, Array]
    dropped: tuple[float, ...]

    @property
    def n(self) -> int:
        """Number of seeds."""
        return len(self.values["train_loss"])

    def accuracy(self, split: str) -> Array:
        """Accuracy in percent (seeds, rows)."""
        return 100 - self.values[f"{split}_error"]


def figures(records: Records, read: Sequence[Record]) -> Iterator[Figure]:
    """Make a figure per pair of networks and shape of the path."""
    found: dict[Path, dict[str, dict[int, Record]]] = {}
    for record in (r for r in read if r.kind == "line" and r.measurements):
        mode = str(record.measurements[0]["batch_norm"])
        path = Path(
            record.subject, start_label(records, record), record.measurements[0]["path"], record.settings
        )
        found.setdefault(path, {}).setdefault(mode, {}).setdefault(record.seed, record)
    for path, modes in found.items():
        of_modes = {mode: _lines(list(modes[mode].values())) for mode in sorted(modes, key=mode_order)}
        panels = {mode: lines for mode, lines in of_modes.items() if lines}
        if panels:
            yield _figure(path, panels)


def _lines(of_seeds: Sequence[Record]) -> Lines | None:
    by_alpha = [{float(m["alpha"]): m for m in record.measurements} for record in of_seeds]
    shared = sorted(set.intersection(*(set(found) for found in by_alpha)))
    kept = [a for a in shared if all(_is_drawn(found[a]) for found in by_alpha)]
    if not kept:
        return None
    values = {c: np.array([[float(found[a][c]) for a in kept] for found in by_alpha]) for c in _COLUMNS}
    return Lines(np.array(kept), values, tuple(a for a in shared if a not in kept))


def _is_drawn(m: dict[str, Any]) -> bool:
    return all(m[c] is not None for c in _COLUMNS) and m["train_loss"] > 0 and m["val_loss"] > 0


def _figure(path: Path, panels: dict[str, Lines]) -> Figure:
    labels = (path.end.row.label, path.end.method or path.end.run, "from", path.start)
    name = stem("line", *labels, "" if path.path == "linear" else path.path, path.settings)
    counts = ", ".join(f"{mode}: {lines.n}" for mode, lines in panels.items())
    dropped = {mode: ", ".join(f"{a:g}" for a in lines.dropped) for mode, lines in panels.items()}
    without = "; ".join(f"{mode}: {alphas}" for mode, alphas in dropped.items() if alphas)
    told = f"Pairs of seeds (n): {counts}."
    told += f" Left out, because a loss is not finite or not above 0: α = {without}." if without else ""
    return Figure(
        name=name,
        number="",
        title=path.title,
        caption=CAPTION,
        details=Plain((told,)),
        data={name: _data(panels)},
        draw=partial(_draw, panels),
    )


def _data(panels: dict[str, Lines]) -> Table:
    """Tabulate what is drawn; `factor` is exp of the standard deviation of ln loss."""
    names = [f"{split}_{c}" for split in SPLITS for c in ("loss", "loss_factor", "accuracy", "accuracy_std")]
    rows = []
    for mode, lines in panels.items():
        columns = [column for split in SPLITS for column in _columns(lines, split)]
        for k, alpha in enumerate(lines.alpha):
            cells = ("" if column is None else f"{column[k]:.6g}" for column in columns)
            rows.append((mode, f"{alpha:.10g}", str(lines.n), *cells))
    return Table(("batch_norm", "alpha", "n", *names), tuple(rows), labels=1)


def _columns(lines: Lines, split: str) -> tuple[Array, Array | None, Array, Array | None]:
    accuracy = lines.accuracy(split)
    std = accuracy.std(axis=0, ddof=1) if lines.n > 1 else None
    return (*log_spread(lines.values[f"{split}_loss"]), accuracy.mean(axis=0), std)


def _draw(panels: dict[str, Lines]) -> Drawing:
    drawing, axes = square(2, 2) if len(panels) == 4 else grid(len(panels))
    for axis, (mode, lines) in zip(axes, panels.items(), strict=True):
        _draw_panel(axis, lines)
        axis.set_title(picture_text(f"batch norm: {mode}"))
        _mark_ends(axis, lines)
    drawing.supxlabel("α", fontsize=10)
    handles = [
        Line2D([], [], color=color, linestyle=dashes)
        for color in (LOSS, ACCURACY)
        for dashes in SPLITS.values()
    ]
    labels = [f"{what}, {split}" for what in ("loss", "accuracy (%)") for split in ("training", "validation")]
    drawing.legend(
        handles, labels, loc="outside upper center", ncols=4 if len(panels) > 1 else 2, frameon=False
    )
    return drawing


def _draw_panel(axis: Axes, lines: Lines) -> None:
    right = axis.twinx()
    for split, dashes in SPLITS.items():
        loss, factor, accuracy, std = _columns(lines, split)
        draw_spread(axis, lines.alpha, loss, factor, LOSS, dashes)
        right.plot(lines.alpha, accuracy, color=ACCURACY, linestyle=dashes, linewidth=1.6)
        if std is not None:
            low, high = np.clip([accuracy - std, accuracy + std], 0, 100)
            right.fill_between(lines.alpha, low, high, color=ACCURACY, alpha=0.15, linewidth=0)
    axis.set_yscale("log")
    _cap(axis, lines)
    axis.set_xlim(lines.alpha[0], lines.alpha[-1] if len(lines.alpha) > 1 else lines.alpha[0] + 1)
    axis.tick_params(axis="y", colors=LOSS)
    right.tick_params(axis="y", colors=ACCURACY)
    right.spines["right"].set_visible(True)
    right.set_ylim(0, 102)


def _mark_ends(axis: Axes, lines: Lines) -> None:
    """Mark where the two networks are; the figure's title names them."""
    for alpha, name in ((0.0, "start"), (1.0, "end")):
        if lines.alpha[0] <= alpha <= lines.alpha[-1]:
            axis.axvline(alpha, color="0.6", linewidth=0.8, linestyle=":", zorder=1)
            across = axis.get_xaxis_transform()
            axis.text(alpha, 0.01, f" {name}", transform=across, fontsize=8, color="0.35")


def _cap(axis: Axes, lines: Lines) -> None:
    """Limit the loss axis, so that losses far beyond the networks don't hide everything else."""
    between = (lines.alpha >= 0) & (lines.alpha <= 1)
    losses = np.concatenate([lines.values[f"{split}_loss"] for split in SPLITS])
    inside = losses[:, between]
    top = max(TOP, 10 * float(inside.max())) if inside.size else TOP
    if losses.max() > top:
        axis.set_ylim(top=top)
