"""Runs at different learning rates, validated on held-out training images: one curve per method."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isclose

import numpy as np

from gengap.report.bands import Array, Band
from gengap.report.cells import Group
from gengap.report.comparisons import Comparison
from gengap.report.figures.errors import VALIDATION, error_band
from gengap.report.measure import Measured, measure
from gengap.report.questions.paired import compared
from gengap.report.rows import Row
from gengap.report.statistics import Summary, summarize

TUNED = "tuned"  # name of this kind of comparison
ALIKE = "not distinguishable"
ONLY = "the only rate"
LATE = 0.75  # fraction of the epochs after which the last quarter begins


@dataclass(frozen=True)
class Point:
    """The runs at one learning rate.

    base: learning rate of the recipe's first phase. rate: learning rate the optimizer uses there, scaled by
    the method's rule. Accuracies are in percent of the held-out images.
    """

    group: Group
    base: float
    rate: float

    @cached_property
    def measured(self) -> Measured:
        """Accuracy after the last update, and the runs that are left out."""
        return measure(self.group)

    @property
    def diverged(self) -> bool:
        """Whether any run diverged."""
        return "diverged" in dict(self.measured.counts)

    @cached_property
    def _band(self) -> Band | None:
        return error_band(self.group, "epoch", VALIDATION)

    @property
    def late(self) -> Summary | None:
        """Accuracy averaged over the evaluations in the last quarter of the epochs, over seeds."""
        if self._band is None:
            return None
        late = self._band.x > LATE * self._band.x[-1]
        return summarize([100 - float(row[late].mean()) for row in self._band.values])

    @property
    def best(self) -> tuple[float, Summary] | None:
        """First epoch with the highest mean accuracy over seeds, and the accuracies there."""
        if self._band is None:
            return None
        at = int(np.argmin(self._band.mean))
        return float(self._band.x[at]), summarize(_accuracies(self._band.values[:, at]))


@dataclass(frozen=True)
class RateCurve:
    """One method at several learning rates, in ascending order.

    recipe: the recipe's learning rate, as scaled by the method's rule.
    """

    method: str
    points: Sequence[Point]
    recipe: float

    @property
    def best(self) -> Point:
        """Point with the highest mean accuracy; one at which a run diverged only if there is no other."""
        done = [p for p in self.points if p.measured.n]
        steady = [p for p in done if not p.diverged]
        return max(steady or done, key=lambda p: float(np.mean(p.group.accuracies)))

    @property
    def ends_at_best(self) -> bool:
        """Whether the best rate is the lowest or the highest one that was tried."""
        tried = [p for p in self.points if p.measured.n or p.diverged]
        return self.best is tried[0] or self.best is tried[-1]

    def from_best(self, point: Point) -> Comparison:
        """Compute the accuracy at a rate minus that at the best one, in pairs with the same seed."""
        found = {f"rate {p.rate:g}": p.group for p in (point, self.best)}
        return compared(TUNED, Row(point.group.workload), found)[0]

    def reading(self, point: Point) -> str:
        """Tell whether a rate is worse than the best by the paired 95 % interval; empty if there is none."""
        if len(self.points) == 1:
            return ONLY
        if point is self.best:
            return "best, at the end of the range" if self.ends_at_best else "best"
        line = self.from_best(point)
        if not line.paired or line.low is None or line.high is None:
            return ""
        return ALIKE if line.low <= 0 <= line.high else "worse"


@dataclass(frozen=True)
class Tuned:
    """The curves of one workload, which share all settings except the method's and the learning rate.

    scaled: learning rate of +LR in its first phase; None if the workload has no such cell.
    """

    row: Row
    curves: Mapping[str, RateCurve]
    scaled: float | None

    @property
    def epochs(self) -> float:
        """Number of epochs in the recipe, before regime adaptation."""
        return max(p.measured.epochs or 0.0 for c in self.curves.values() for p in c.points)

    def gap(self, *, at_recipe: bool = False) -> Comparison | None:
        """Compute SB minus LB, each at its best rate or both at the recipe's; None if one is missing."""
        found: dict[str, Group] = {}
        for method, label in (("sb", "SB"), ("lb", "LB")):
            curve = self.curves.get(method)
            if curve is None:
                return None
            recipe = next((p for p in curve.points if isclose(p.rate, curve.recipe)), None)
            point = recipe if at_recipe else curve.best
            if point is None or not point.measured.n:
                return None
            found[label] = point.group
        return compared(TUNED, self.row, found)[0]


def _accuracies(errors: Array) -> list[float]:
    return [100 - float(error) for error in errors]
