"""Does sharpness rank the methods in the same order as accuracy?"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from scipy.stats import kendalltau

from gengap.paper.methods import LABELS
from gengap.report.format import p_value, signed
from gengap.report.landscape.findings import cells_of
from gengap.report.landscape.numbers import Measure, Numbers, Seeds, measures
from gengap.report.landscape.ratios import FLATTER, SHARPER, difference_sign, geometric_mean, ratio
from gengap.report.markup import Table
from gengap.report.rows import Row

FEWEST = 3  # least number of methods for Kendall's tau


class Order(NamedTuple):
    """Whether lower sharpness goes with higher accuracy over the methods of a row.

    tau, p: Kendall's tau of the means, and its p-value; None with fewer than FEWEST methods, or if two means
    are equal. agree, disagree: number of pairs of methods for which both differences exclude 0 over seeds;
    the other pairs are open.
    """

    row: Row
    measure: Measure
    methods: tuple[str, ...]
    tau: float | None
    p: float | None
    agree: int
    disagree: int

    @property
    def open(self) -> int:
        """Number of pairs of methods for which at least one difference may be 0."""
        return len(self.methods) * (len(self.methods) - 1) // 2 - self.agree - self.disagree


def orders(found: Numbers) -> list[Order]:
    """Compute one order per row and measure available for at least two methods with an accuracy."""
    return [
        order
        for row, cells in cells_of(found)
        for m in measures(found)
        if (order := _order(row, m, {k: c[m] for k, c in cells.items() if m in c})) is not None
    ]


def _order(row: Row, measure: Measure, cells: dict[str, Seeds]) -> Order | None:
    sides = {}
    for method, seeds in cells.items():
        values = {seed: v.value for seed, v in seeds.items() if v.accuracy is not None}
        if values and min(values.values()) > 0:
            sides[method] = {s: seeds[s] for s in values}
    if len(sides) < 2:
        return None
    agree = disagree = 0
    for a, b in combinations(sides.values(), 2):
        sign = _sharper(a, b) * difference_sign(_accuracies(a), _accuracies(b))
        agree += sign < 0
        disagree += sign > 0
    tau, p = _kendall(list(sides.values()))
    return Order(row, measure, tuple(sides), tau, p, agree, disagree)


def _sharper(a: Seeds, b: Seeds) -> int:
    reading = ratio(a, b).reading
    return (reading == SHARPER) - (reading == FLATTER)


def _accuracies(seeds: Seeds) -> dict[int, float]:
    return {seed: v.accuracy for seed, v in seeds.items() if v.accuracy is not None}


def _kendall(sides: Sequence[Seeds]) -> tuple[float | None, float | None]:
    flatness = [-geometric_mean([v.value for v in seeds.values()]) for seeds in sides]
    accuracy = [sum(_accuracies(seeds).values()) / len(seeds) for seeds in sides]
    if len(sides) < FEWEST or len(set(flatness)) < len(sides) or len(set(accuracy)) < len(sides):
        return None, None
    found = kendalltau(flatness, accuracy, method="exact")
    return float(found.statistic), float(found.pvalue)


def order_table(found: Sequence[Order]) -> Table:
    """Tabulate every order, sorted by row and measure."""
    header = (
        "workload", "measure", "batch norm", "settings", "methods", "Kendall's tau", "p", "pairs that agree",
        "disagree", "open",
    )  # fmt: skip
    rows = (
        (
            *(o.row.title, o.measure.name, o.measure.batch_norm, o.measure.settings),
            ", ".join(LABELS[m] for m in o.methods),
            *(signed(o.tau), p_value(o.p), str(o.agree), str(o.disagree), str(o.open)),
        )
        for o in found
    )
    return Table(header, tuple(rows), labels=5)
