"""Answers to questions about the landscape, from the records, by the rules stated in `prose.FINDINGS`."""

from collections.abc import Sequence

from gengap.paper.methods import LABELS
from gengap.report.format import signed, significant
from gengap.report.landscape.findings import LB_SB, RA_LB, Compared, cells_of, counted, standing_out
from gengap.report.landscape.numbers import SHARPNESS, Measure, Numbers
from gengap.report.landscape.order import Order
from gengap.report.landscape.ratios import FLATTER, OPEN, SHARPER
from gengap.report.markup import Table
from gengap.report.rows import Row

READINGS = (SHARPER, FLATTER, OPEN)


def counts(comparisons: Sequence[Compared]) -> Table:
    """Count how the comparisons read, by workload, pair of methods, quantity and mode of batch norm."""
    kinds: dict[tuple[str, ...], list[str]] = {}
    for c in counted(comparisons):
        kind = (c.row.title, c.label, c.measure.quantity, c.measure.batch_norm)
        kinds.setdefault(kind, []).append(c.ratio.reading)
    rows = ((*kind, *(str(found.count(r)) for r in READINGS)) for kind, found in kinds.items())
    return Table(("workload", "ratio of", "measure", "batch norm", *READINGS), tuple(rows), labels=4)


def glance(comparisons: Sequence[Compared]) -> tuple[str, ...]:
    """State, per workload, how often LB is sharper than SB, and +RA flatter than LB."""
    return tuple(
        line for row in dict.fromkeys(c.row for c in comparisons) if (line := _glance(row, comparisons))
    )


def _glance(row: Row, comparisons: Sequence[Compared]) -> str:
    told = []
    for pair, reading, other in ((LB_SB, SHARPER, FLATTER), (RA_LB, FLATTER, SHARPER)):
        read = [c for c in counted(comparisons) if c.row == row and c.label == pair]
        if read and all(c.ratio.is_single for c in read):
            told.append(f"{pair} is {OPEN}, with one seed")
        elif read:
            so, not_so = (sum(c.ratio.reading == word for c in read) for word in (reading, other))
            sides = pair.replace(" / ", f" {reading} than ")
            against = f", {other} in {not_so}" if not_so else ""
            told.append(f"{sides} in {so} of {len(read)} comparisons{against} (n={seeds(read)})")
    return f"{row.title}: {'; '.join(told)}." if told else ""


def answers(comparisons: Sequence[Compared], orders: Sequence[Order]) -> tuple[str, ...]:
    """Write a few sentences per workload."""
    rows = dict.fromkeys([*(c.row for c in comparisons), *(o.row for o in orders)])
    return tuple(line for row in rows for line in _answers(row, comparisons, orders) if line)


def _answers(row: Row, comparisons: Sequence[Compared], orders: Sequence[Order]) -> tuple[str, ...]:
    own = [c for c in comparisons if c.row == row]
    return (
        *(_sharper(row, pair, own) for pair in dict.fromkeys(c.label for c in own)),
        *(_modes(row, measure, own) for measure in dict.fromkeys(_without_mode(c.measure) for c in own)),
        *(f"{told}." for told in (ordered([o for o in orders if o.row == row]),) if told),
    )


def unanswered(found: Numbers, comparisons: Sequence[Compared]) -> tuple[str, ...]:
    """Write a line for each row of cells without any ratio, explaining why there is none."""
    with_ratio = {c.row for c in comparisons if c.ratio.value is not None}
    return tuple(
        f"{row.title}: no ratio; measured here: {', '.join(LABELS[m] for m in cells)}. A ratio needs two "
        "methods, measured with the same settings and seeds, whose runs differ in the method alone."
        for row, cells in cells_of(found)
        if row not in with_ratio
    )


def _sharper(row: Row, pair: str, own: Sequence[Compared]) -> str:
    """State how often one side is sharper, and which measures read differently from most comparisons."""
    read = [c for c in counted(own) if c.label == pair]
    found = [c.ratio.reading for c in read]
    if not found:
        return ""
    if all(c.ratio.is_single for c in read):
        return f"{row.title}, {pair}: {OPEN}, with one seed."
    most = max(READINGS, key=found.count)
    told = f"{most} in {found.count(most)} of {len(found)} comparisons{otherwise(read, most)}"
    return f"{row.title}, {pair} (n={seeds(read)}): {told}."


def otherwise(read: Sequence[Compared], reading: str) -> str:
    """State how the comparisons that don't read so do read, and by which measures: `; sharper in 1 (...)`."""
    parts = []
    for other in READINGS:
        measures = [c.measure for c in read if c.ratio.reading == other != reading]
        if measures:
            parts.append(f"; {other} in {len(measures)} ({_listed(measures)})")
    return "".join(parts)


def seeds(read: Sequence[Compared]) -> str:
    """Format the number of seeds as `3` or `2 to 5`."""
    counts = sorted({c.ratio.n for c in read})
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _listed(others: Sequence[Measure]) -> str:
    modes: dict[str, list[str]] = {}
    for m in others:
        modes.setdefault(m.name, []).append(" ".join(part for part in (m.batch_norm, m.settings) if part))
    return "; ".join(f"{name}: {', '.join(of)}" for name, of in modes.items())


def _without_mode(measure: Measure) -> Measure:
    return measure._replace(batch_norm="")


def _modes(row: Row, measure: Measure, own: Sequence[Compared]) -> str:
    """State Metric 2.1's contrast in the full space in every batch norm mode, next to the published one."""
    if measure.quantity != SHARPNESS or measure.subspace is not None:
        return ""
    of_measure = [c for c in own if c.label == LB_SB and _without_mode(c.measure) == measure]
    with_ratio = [c for c in of_measure if c.ratio.value is not None]
    if len(with_ratio) < 2:
        return ""
    shown = ", ".join(f"{c.measure.batch_norm} {significant(c.ratio.value)}" for c in with_ratio)
    name = " ".join(part for part in (measure.name, measure.settings) if part)
    found = f"{row.title}: {LB_SB} of {name} by mode of batch norm: {shown}"
    return f"{found}; {standing_out(with_ratio)}{_beside_published(with_ratio)}."


def _beside_published(found: Sequence[Compared]) -> str:
    published = found[0].published
    if published is None:
        return ""
    inside = [
        c.measure.batch_norm
        for c in found
        if c.ratio.low is not None and c.ratio.high is not None and c.ratio.low <= published <= c.ratio.high
    ]
    where = f"inside the interval of {', '.join(inside)}" if inside else "in no mode's interval"
    return f"; published {significant(published)}, {where}"


def ordered(orders: Sequence[Order]) -> str:
    """State, over all measures of a row, how the methods' order by sharpness agrees with that by accuracy."""
    if not orders:
        return ""
    with_tau = [o.tau for o in orders if o.tau is not None]
    agree, disagree, left = (sum(getattr(o, name) for o in orders) for name in ("agree", "disagree", "open"))
    methods = max((o.methods for o in orders), key=len)
    total = agree + disagree + left
    found = (
        f"{orders[0].row.title}: the flatter of two methods is the more accurate one in {agree} of {total}"
    )
    found += f" comparisons, the less accurate one in {disagree}, and {left} are open"
    tau = ""
    if with_tau:
        low, high = signed(min(with_tau)), signed(max(with_tau))
        tau = f"; Kendall's tau of the means is {low if low == high else f'{low} to {high}'}"
    return f"{found}, by {len(orders)} measures of {', '.join(LABELS[m] for m in methods)}{tau}"
