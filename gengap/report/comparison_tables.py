"""The comparisons as tables: one per kind for reading, and all of them as numbers."""

from collections.abc import Sequence

from gengap.report.comparisons import EQUIVALENCE, PRECISION, PROTOCOL, SHARE, STEP, Comparison
from gengap.report.format import fixed, interval, p_value, percent, signed
from gengap.report.markup import Table
from gengap.report.significance import MARGIN

LEVEL = 0.05
_TESTED_FOR_EQUIVALENCE = (EQUIVALENCE, PRECISION)
_WITH_READING = (*_TESTED_FOR_EQUIVALENCE, PROTOCOL)
_P_COLUMNS = {SHARE: (), STEP: ("p", "p (Holm)"), PROTOCOL: ("p",)}


def table(found: Sequence[Comparison], kind: str) -> Table:
    """The comparisons of one kind that have the seeds for a number, for reading."""
    shown = [c for c in found if c.kind == kind and not c.needs_seeds]
    p_columns = _P_COLUMNS.get(kind, ("p (TOST)",))
    header = (
        "workload",
        "method" if kind == SHARE else "difference",
        "n",
        "share" if kind == SHARE else "points",
        "95 %",
        *p_columns,
        *(("reads as",) if kind in _WITH_READING else ()),
        "blank because",
    )
    width = len(header) if any(c.reason for c in shown) else len(header) - 1
    rows = tuple(_row(c, len(p_columns))[:width] for c in shown)
    return Table(header[:width], rows, labels=2)


def too_few_seeds(found: Sequence[Comparison], kind: str) -> str:
    """The comparisons of one kind that need more seeds, in one sentence; empty if there are none."""
    rows: dict[str, list[str]] = {}
    for c in found:
        if c.kind == kind and c.needs_seeds:
            rows.setdefault(c.row.title, []).append(c.name)
    named = "; ".join(f"{title}: {', '.join(names)}" for title, names in rows.items())
    return f"Each cell needs 2 finished seeds, which these do not have yet: {named}." if named else ""


def _row(c: Comparison, p_columns: int) -> tuple[str, ...]:
    shown = percent if c.kind == SHARE else signed
    return (
        c.row.title,
        c.name,
        ", ".join(map(str, c.seeds)),
        shown(c.value),
        interval(shown(c.low), shown(c.high)),
        *(p_value(p) for p in (c.p, c.p_holm)[:p_columns]),
        *((_reading(c),) if c.kind in _WITH_READING else ()),
        c.reason,
    )


def data(found: Sequence[Comparison]) -> Table:
    """All comparisons as numbers: points, fractions of the gap, p-values."""
    header = (
        "kind", "workload", "comparison", "seeds", "value", "low95", "high95", "p", "p_holm", "blank_because",
    )  # fmt: skip
    rows = (
        (c.kind, c.row.label, c.name, " ".join(map(str, c.seeds)))
        + tuple(fixed(x) for x in (c.value, c.low, c.high))
        + tuple("" if p is None else f"{p:.3g}" for p in (c.p, c.p_holm))
        + (c.reason,)
        for c in found
    )
    return Table(header, tuple(rows), labels=4)


def _reading(c: Comparison) -> str:
    """What the test and the interval say together; empty where there is no interval."""
    if c.low is None or c.high is None or c.p is None:
        return ""
    if c.kind in _TESTED_FOR_EQUIVALENCE and c.p < LEVEL:
        return f"within {MARGIN:g}"
    if c.low > 0 or c.high < 0:
        return "higher" if c.low > 0 else "lower"
    return "open"
