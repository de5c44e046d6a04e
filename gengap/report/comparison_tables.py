"""Comparisons as tables: a readable one per kind, and all of them as numbers."""

from collections.abc import Sequence

from gengap.report.comparisons import AS_GOOD, PRECISION, PROTOCOL, SHARE, STEP, Comparison
from gengap.report.format import fixed, interval, p_value, percent, signed
from gengap.report.markup import Table

LEVEL = 0.05
_WITH_READING = (AS_GOOD, STEP, PRECISION, PROTOCOL)
_WITH_MARGIN = (AS_GOOD, PRECISION)
_P_COLUMNS = {
    AS_GOOD: ("p (not worse)", "p (Holm)", "p (better, Holm)"),
    SHARE: (),
    STEP: ("p", "p (Holm)"),
    PRECISION: ("p (TOST)", "p (Holm)"),
    PROTOCOL: ("p", "p (Holm)"),
}


def table(found: Sequence[Comparison], kind: str) -> Table:
    """Make a readable table of the comparisons of one kind that have enough seeds for a number."""
    shown = [c for c in found if c.kind == kind and not c.needs_seeds]
    p_columns = _P_COLUMNS[kind]
    header = (
        "workload",
        "method" if kind == SHARE else "difference",
        "n",
        "share" if kind == SHARE else "points",
        "95 %",
        *(("margin",) if kind in _WITH_MARGIN else ()),
        *p_columns,
        *(("reads as",) if kind in _WITH_READING else ()),
        "blank because",
    )
    width = len(header) if any(c.reason for c in shown) else len(header) - 1
    rows = tuple(_row(c, len(p_columns))[:width] for c in shown)
    return Table(header[:width], rows, labels=2)


def too_few_seeds(found: Sequence[Comparison], kind: str) -> str:
    """List the comparisons of one kind that need more seeds, in one sentence; empty if there are none."""
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
        c.n,
        shown(c.value),
        interval(shown(c.low), shown(c.high)),
        *((f"{c.margin:.2f}",) if c.kind in _WITH_MARGIN else ()),
        *(p_value(p) for p in (c.p, c.p_holm, c.p_superior)[:p_columns]),
        *((reading(c),) if c.kind in _WITH_READING else ()),
        c.reason,
    )


def data(found: Sequence[Comparison]) -> Table:
    """Tabulate all comparisons as numbers: points, fractions of the gap, p-values."""
    header = (
        "kind", "workload", "comparison", "seeds", "value", "low95", "high95", "p", "p_holm", "blank_because",
        "p_superior", "margin", "paired",
    )  # fmt: skip
    rows = (
        (c.kind, c.row.label, c.name, " ".join(map(str, c.seeds)))
        + tuple(fixed(x) for x in (c.value, c.low, c.high))
        + tuple("" if p is None else f"{p:.3g}" for p in (c.p, c.p_holm))
        + (c.reason, "" if c.p_superior is None else f"{c.p_superior:.3g}")
        + (fixed(c.margin) if c.kind in _WITH_MARGIN else "", "yes" if c.paired else "no")
        for c in found
    )
    return Table(header, tuple(rows), labels=4)


def reading(c: Comparison) -> str:
    """Interpret test and interval together; empty if there is no interval."""
    if c.low is None or c.high is None or c.p_holm is None:
        return ""
    if c.kind == AS_GOOD:
        return _as_good(c.p_holm, c.p_superior, worse=c.high < -c.margin)
    if c.kind == PRECISION:
        return _equivalent(c, c.low, c.high, c.p_holm)
    if c.p_holm >= LEVEL:
        return "open"
    return "higher" if c.low > 0 else "lower"


def _equivalent(c: Comparison, low: float, high: float, p_holm: float) -> str:
    if p_holm < LEVEL:
        return f"within {c.margin:.2f}"
    return "higher" if low > c.margin else "lower" if high < -c.margin else "open"


def _as_good(p_not_worse: float, p_better: float | None, *, worse: bool) -> str:
    """Interpret both tests in a fixed order, so that one needs no correction for the other."""
    if p_not_worse < LEVEL:
        return "better" if p_better is not None and p_better < LEVEL else "as good"
    return "worse" if worse else "open"
