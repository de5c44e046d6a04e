"""Are large-batch minima sharper? Every pair of methods, compared by every measure that both have."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gengap.paper import keskar
from gengap.paper.methods import LABELS, METHODS
from gengap.report.format import significant
from gengap.report.landscape.numbers import SHARPNESS, Measure, Numbers, Seeds, kept, measures
from gengap.report.landscape.ratios import FLATTER, SHARPER, Ratio, difference_sign, ratio
from gengap.report.landscape.subjects import by_row
from gengap.report.markup import Table
from gengap.report.rows import Row

PAIRS = (("lb", "sb"), ("lb_ra", "sb"), ("lb_ra", "lb"), ("lb_lr", "lb"))
LB_SB = f"{LABELS['lb']} / {LABELS['sb']}"
RA_SB = f"{LABELS['lb_ra']} / {LABELS['sb']}"
RA_LB = f"{LABELS['lb_ra']} / {LABELS['lb']}"


class Compared(NamedTuple):
    """Two methods of a row, compared by one measure; `label` is the label of the pair."""

    row: Row
    label: str
    measure: Measure
    ratio: Ratio
    published: float | None


def compared(found: Numbers) -> list[Compared]:
    """Compute the ratio between the methods in each of PAIRS, in every row and by every measure both have."""
    return [
        Compared(
            row, f"{LABELS[a]} / {LABELS[b]}", m, ratio(cells[a][m], cells[b][m]), _published(row, m, a, b)
        )
        for row, cells in cells_of(found)
        for a, b in PAIRS
        if a in cells and b in cells
        for m in measures(found)
        if m in cells[a] and m in cells[b]
    ]


def counted(comparisons: Sequence[Compared]) -> list[Compared]:
    """Select the comparisons with a ratio that count: one per row, pair, measure and mode of batch norm.

    If the same was measured with several settings, such as on all training images and on a sample, the one
    with the most seeds counts; in a tie, the usual one. A single seed can't decide, and only counts if the
    row and pair have nothing else.
    """
    found: dict[tuple[object, ...], Compared] = {}
    for c in comparisons:
        key = (c.row, c.label, c.measure._replace(settings=""))
        if c.ratio.reading and (key not in found or c.ratio.n > found[key].ratio.n):
            found[key] = c
    decisive = {(c.row, c.label) for c in found.values() if not c.ratio.is_single}
    return [c for c in found.values() if not (c.ratio.is_single and (c.row, c.label) in decisive)]


def standing_out(found: Sequence[Compared], reading: str = SHARPER) -> str:
    """State whether modes of batch norm disagree, or in which of them one measure's contrast is largest.

    Two modes are compared by the difference of their log ratios, paired by seed, at 95 %.
    """
    if {SHARPER, FLATTER} <= {c.ratio.reading for c in found}:
        return "the modes disagree"
    sides = sorted(found, key=lambda c: c.ratio.value or 0, reverse=reading == SHARPER)
    first, others = sides[0].ratio, [c.ratio for c in sides[1:]]
    if any(r.low is None or r.high is None for r in (first, *others)):
        return "too few seeds to say where it is largest"
    if all(difference_sign(dict(first.logs), dict(r.logs)) for r in others):
        return f"largest in mode {sides[0].measure.batch_norm}"
    return "no mode stands out"


def cells_of(found: Numbers) -> Iterator[tuple[Row, dict[str, dict[Measure, Seeds]]]]:
    """Yield the cells of each row, by method, with the values that count."""
    for row, subjects in by_row(list(found)):
        cells = {s.method: {m: kept(v) for m, v in found[s].items()} for s in subjects if s.method}
        if cells:
            yield row, {m: cells[m] for m in METHODS if m in cells}


def _published(row: Row, measure: Measure, a: str, b: str) -> float | None:
    """Compute the ratio of two published means."""
    if measure.quantity != SHARPNESS or measure.parameter is None or row.deviation:
        return None
    sides = [keskar.sharpness(row.name, m, measure.parameter, measure.subspace) for m in (a, b)]
    over, under = (None if side is None else float(side.mean) for side in sides)
    return over / under if over and under else None


def ratios(comparisons: Sequence[Compared]) -> Table:
    """Tabulate workloads and measures by pairs of methods, next to the published LB / SB."""
    pairs = list(dict.fromkeys(c.label for c in comparisons))
    found = {(c.row, c.measure, c.label): c for c in comparisons}
    header = (
        *("workload", "measure", "batch norm", "settings", f"published {LB_SB}"),
        *(cell for pair in pairs for cell in (pair, "reads as")),
    )
    rows = []
    for row, m in dict.fromkeys((c.row, c.measure) for c in comparisons):
        published = significant(_published(row, m, *PAIRS[0])) or "–"
        of_pairs = (found.get((row, m, pair)) for pair in pairs)
        cells = (cell for c in of_pairs for cell in ((c.ratio.text, c.ratio.reads_as) if c else ("", "")))
        rows.append((row.title, m.name, m.batch_norm, m.settings, published, *cells))
    return Table(header, tuple(rows), labels=4)


def data(comparisons: Sequence[Compared]) -> Table:
    """Tabulate the comparisons as numbers."""
    header = (
        "workload", "quantity", "parameter", "subspace", "batch_norm", "settings", "ratio_of", "n", "ratio",
        "low95", "high95", "reading", "published", "blank_because",
    )  # fmt: skip
    rows = (
        (
            *(c.row.label, c.measure.quantity, _number(c.measure.parameter)),
            *("" if c.measure.subspace is None else str(c.measure.subspace), c.measure.batch_norm),
            *(c.measure.settings, c.label, str(c.ratio.n)),
            *map(_number, (c.ratio.value, c.ratio.low, c.ratio.high)),
            *(c.ratio.reading, _number(c.published), c.ratio.reason),
        )
        for c in comparisons
    )
    return Table(header, tuple(rows), labels=7)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
