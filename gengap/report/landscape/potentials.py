"""Figure 4: how the loss difference grows with the distance from random initial weights (Appendix B)."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from gengap.report.bands import Array
from gengap.report.escape import picture_text
from gengap.report.figures.canvas import grid, legend
from gengap.report.figures.figure import Figure, paragraph
from gengap.report.format import significant
from gengap.report.landscape.looks import stem, styles
from gengap.report.landscape.subjects import Record, settings_besides
from gengap.report.markup import Table
from gengap.report.potential import BINS, PotentialFit, binned, fit_alpha, samples
from gengap.report.rows import Row
from gengap.report.statistics import Summary, summarize

CAPTION = paragraph(
    "Root mean square of the loss difference `L(w) - L(w_0)`, which the paper calls its standard deviation, "
    "against the distance from the initial weights `w_0`. Each panel sorts the same random directions into "
    "another number of bins: the fewest, some and the most that the table has. "
    "Lines are fits of `scale · distance^(α/2)`, one per seed; a straight line is α = 2, the paper's reading."
)
DETAILS = paragraph(
    "Weighted least squares of the logarithms over bins. The interval of a seed covers the choice of "
    "directions from its initial weights; that of the mean over seeds covers the initial weights, too."
)
_FIT_POINTS = 50
FEWEST = 4  # least number of directions per bin


class Surface(NamedTuple):
    """The loss around a network's initial weights; data on equal ones differ only in seed and method.

    network: configuration without the method, which doesn't affect initial weights.
    """

    row: Row
    network: str
    initial: str
    batch_norm: str
    radius: float
    settings: str

    @property
    def title(self) -> str:
        """Title ending in, for example, `F1, digits, glorot weights, batch norm: batch`."""
        settings = f" ({self.settings})" if self.settings else ""
        about = f"{self.initial} weights, batch norm: {self.batch_norm}"
        return f"the loss as a random potential, {self.row.title}, {about}{settings}"


Samples = dict[int, tuple[Array, Array]]  # by seed: distances and loss differences (n,)


def collected(read: Sequence[Record]) -> dict[Surface, Samples]:
    """Collect distances and loss differences by surface, then by seed."""
    found: dict[Surface, Samples] = {}
    for record in (r for r in read if r.kind == "potential" and r.measurements):
        first = record.measurements[0]
        about = (first["initial"], first["batch_norm"], float(first["radius"]), record.settings)
        network = settings_besides(record, ("method.",))
        of_surface = found.setdefault(Surface(record.subject.row, network, *about), {})
        of_surface.setdefault(record.seed, _positive(*samples(record.measurements)))
    return found


def figures(read: Sequence[Record]) -> Iterator[Figure]:
    """Make a figure per surface."""
    for surface, of_seeds in collected(read).items():
        name = stem("figure4", surface.row.label, surface.initial, surface.batch_norm, surface.settings)
        yield Figure(
            name=name,
            number="Figure 4",
            title=surface.title,
            caption=CAPTION,
            details=DETAILS,
            data={name: _data(surface, of_seeds)},
            tables={"The exponent α": fit_table(surface, of_seeds)},
            draw=partial(_draw, surface, of_seeds),
        )


def _bins(of_seeds: Samples) -> list[int]:
    """Choose numbers of bins with on average at least FEWEST directions each, for every seed; at least one.

    With too few directions for that, it only serves to draw points: nothing is fitted.
    """
    least = _least(of_seeds)
    return [bins for bins in BINS if bins * FEWEST <= least] or [BINS[0]]


def _least(of_seeds: Samples) -> int:
    return min(len(distance) for distance, _ in of_seeds.values())


def _drawn(bins: list[int]) -> list[int]:
    """Choose the first, middle and last number of bins, since a panel for each would add little."""
    return list(dict.fromkeys((bins[0], bins[len(bins) // 2], bins[-1])))


def _positive(distance: Array, difference: Array) -> tuple[Array, Array]:
    return distance[distance > 0], difference[distance > 0]


def _fits(surface: Surface, of_seeds: Samples, bins: int) -> dict[int, PotentialFit]:
    if bins * FEWEST > _least(of_seeds):
        return {}
    found = {seed: fit_alpha(*of_seeds[seed], bins, surface.radius) for seed in of_seeds}
    return {seed: fit for seed, fit in found.items() if fit is not None}


def fit_table(surface: Surface, of_seeds: Samples) -> Table:
    """Tabulate α for each number of bins and seed, and its mean over seeds."""
    rows = []
    for bins in _bins(of_seeds):
        fits = _fits(surface, of_seeds, bins)
        for seed, fit in fits.items():
            shown = (_interval(fit.low, fit.high), f"{fit.r_squared:.3f}", f"{len(of_seeds[seed][0]):,}")
            rows.append((str(bins), str(seed), f"{fit.alpha:.2f}", *shown))
        mean = _mean(fits)
        if mean and mean.interval:
            ends = _interval(*mean.interval)
            rows.append((str(bins), f"mean (n={mean.n})", f"{mean.mean:.2f}", ends, "", ""))
    return Table(("bins", "seed", "α", "95 %", "R²", "directions"), tuple(rows), labels=2)


def mean_alpha(surface: Surface, of_seeds: Samples) -> Summary | None:
    """Summarize α over initial weights, with the fewest bins; None with fewer than two seeds."""
    return _mean(_fits(surface, of_seeds, _bins(of_seeds)[0]))


def _mean(fits: dict[int, PotentialFit]) -> Summary | None:
    return summarize([fit.alpha for fit in fits.values()]) if len(fits) > 1 else None


def _interval(low: float, high: float) -> str:
    return f"{low:.2f} to {high:.2f}"


def _data(surface: Surface, of_seeds: Samples) -> Table:
    rows = []
    for bins in _bins(of_seeds):
        for seed, sides in of_seeds.items():
            if len(sides[0]):
                found = binned(*sides, bins, surface.radius)
                columns = (found.distance, found.std, found.mean, found.count)
                cells = np.array(columns).T
                rows += [(str(bins), str(seed), *(f"{x:.6g}" for x in line)) for line in cells]
    header = ("bins", "seed", "distance", "std", "mean_difference", "directions")
    return Table(header, tuple(rows), labels=2)


def _draw(surface: Surface, of_seeds: Samples) -> Drawing:
    looks = styles(f"seed {seed}" for seed in of_seeds)
    panels = _drawn(_bins(of_seeds))
    drawing, axes = grid(len(panels))
    for axis, bins in zip(axes, panels, strict=True):
        fits = _fits(surface, of_seeds, bins)
        for seed, sides in of_seeds.items():
            look = looks[f"seed {seed}"]
            if len(sides[0]):
                found = binned(*sides, bins, surface.radius)
                axis.plot(found.distance, found.std, look.marker, color=look.color, markersize=3, alpha=0.8)
            if seed in fits:
                _draw_fit(axis, fits[seed], surface.radius, look.color)
        mean = f": α = {significant(float(np.mean([f.alpha for f in fits.values()])))}" if fits else ""
        axis.set_title(picture_text(f"{bins} bins{mean}"))
        axis.set_xlim(left=0)
        axis.set_ylim(bottom=0)
    drawing.supxlabel("distance from the initial weights", fontsize=10)
    drawing.supylabel("std of the loss difference", fontsize=10)
    legend(drawing, looks.values(), {})
    return drawing


def _draw_fit(axis: Axes, fit: PotentialFit, radius: float, color: str) -> None:
    distance = np.linspace(0, radius, _FIT_POINTS)
    axis.plot(distance, fit.scale * distance ** (fit.alpha / 2), color=color, linewidth=1)
