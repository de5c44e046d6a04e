"""The methods of each row compared: is +RA as good as SB, how much of the gap is closed, and by what."""

from dataclasses import dataclass, replace

from gengap.config.schema import FP32, PAPER
from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Records, Row, rows_of_table
from gengap.report.format import fixed, interval, p_value, percent, signed
from gengap.report.markup import Table
from gengap.report.measure import ACCURACY
from gengap.report.significance import MARGIN, Difference, difference, holm, share, share_interval

EQUIVALENCE, SHARE, STEP = "equivalence", "gap closed", "step"
PRECISION, PROTOCOL = "precision", "protocol"
_EQUIVALENCES = (EQUIVALENCE, PRECISION)
_READ = (*_EQUIVALENCES, PROTOCOL)
LEVEL = 0.05
NO_SPREAD = "the seeds do not differ, so there is nothing to compare with"
_STEPS = (("lb_lr", "lb"), ("lb_gbn", "lb_lr"), ("lb_ra", "lb_gbn"))  # columns are cumulative


@dataclass(frozen=True)
class Comparison:
    """One line: points for differences, a fraction for the share; None with a reason where nothing is said.

    p: of the equivalence test, or of no difference. p_holm: the latter, corrected inside the workload.
    """

    kind: str
    workload: str
    name: str
    seeds: tuple[int, ...]
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_holm: float | None = None
    reason: str = ""


def compare_methods(records: Records) -> list[Comparison]:
    """All comparisons, by kind, then in the tables' order of rows."""
    rows = [row for table in (1, 2) for row in rows_of_table(records, table)]
    values = {row: {m: _values(records, row, m) for m in METHODS} for row in rows}
    # By the key itself: a cell that two rows share is compared once
    cells = [(row, m) for row in rows for m in METHODS if (row, m) in records.cells]
    return [
        *(_equivalence(row, values[row]) for row in rows),
        *(_share(row, values[row], m) for row in rows for m in ("lb_lr", "lb_gbn", "lb_ra")),
        *(line for row in rows for line in _steps(row, values[row])),
        *(_precision(records, row, m) for row, m in cells if row.precision != FP32),
        *(_protocol(records, row, m) for row, m in cells if row.protocol != PAPER),
    ]


def gap(records: Records, row: Row, a: str, b: str) -> Comparison:
    """One difference of a row, method `a` minus method `b`, with its interval."""
    return _compare("gap", row, {m: _values(records, row, m) for m in (a, b)}, a, b)[0]


def _values(records: Records, row: Row, method: str) -> list[float]:
    group = records.cell(row, method)
    return [] if group is None else [float(v) for v in group.finished[ACCURACY]]


def _too_few(sides: dict[str, list[float]]) -> str:
    short = [f"{label} has {len(values)}" for label, values in sides.items() if len(values) < 2]
    return f"needs 2 seeds: {', '.join(short)}" if short else ""


def _equivalence(row: Row, cells: dict[str, list[float]]) -> Comparison:
    line, found = _compare(EQUIVALENCE, row, cells, "lb_ra", "sb")
    return line if found is None else replace(line, p=found.equivalence())


def _precision(records: Records, row: Row, method: str) -> Comparison:
    line, found = _beside_the_published_kind(PRECISION, records, row, method, FP32)
    return line if found is None else replace(line, p=found.equivalence())


def _protocol(records: Records, row: Row, method: str) -> Comparison:
    line, found = _beside_the_published_kind(PROTOCOL, records, row, method, PAPER)
    return line if found is None else replace(line, p=found.p)


def _beside_the_published_kind(
    kind: str, records: Records, row: Row, method: str, published: str
) -> tuple[Comparison, Difference | None]:
    sides = {
        f"{LABELS[method]} {row.deviation}": _values(records, row, method),
        published: _values(records, Row(row.name), method),
    }
    return _difference(kind, row.name, sides)


def _compare(
    kind: str, row: Row, cells: dict[str, list[float]], a: str, b: str
) -> tuple[Comparison, Difference | None]:
    return _difference(kind, row.label, {LABELS[m]: cells[m] for m in (a, b)})


def _difference(
    kind: str, workload: str, sides: dict[str, list[float]]
) -> tuple[Comparison, Difference | None]:
    # The difference is None where no test can be made; the line says why.
    a, b = sides.values()
    line = Comparison(kind, workload, " − ".join(sides), (len(a), len(b)))
    reason = _too_few(sides)
    if reason:
        return replace(line, reason=reason), None
    found = difference(a, b)
    if not found.testable:
        return replace(line, value=found.mean, reason=NO_SPREAD), None
    low, high = found.interval()
    return replace(line, value=found.mean, low=low, high=high), found


def _share(row: Row, cells: dict[str, list[float]], method: str) -> Comparison:
    three = ("sb", "lb", method)
    line = Comparison(SHARE, row.label, LABELS[method], tuple(len(cells[m]) for m in three))
    reason = _too_few({LABELS[m]: cells[m] for m in three}) or _no_gap(cells)
    if reason:
        return replace(line, reason=reason)
    sides = (cells["sb"], cells["lb"], cells[method])
    low, high = share_interval(*sides)
    return replace(line, value=share(*sides), low=low, high=high)


def _no_gap(cells: dict[str, list[float]]) -> str:
    gap = difference(cells["sb"], cells["lb"])
    if not gap.testable:
        return f"SB and LB: {NO_SPREAD}"
    low, high = gap.interval()
    return f"SB − LB may be 0: 95 % is {low:+.2f} to {high:+.2f}" if low <= 0 <= high else ""


def _steps(row: Row, cells: dict[str, list[float]]) -> list[Comparison]:
    found = [_compare(STEP, row, cells, a, b) for a, b in _STEPS]
    corrected = iter(holm([tested.p for _, tested in found if tested]))
    return [replace(line, p=tested.p, p_holm=next(corrected)) if tested else line for line, tested in found]


def table(found: list[Comparison], kind: str) -> Table:
    """The comparisons of one kind, for reading."""
    unit = percent if kind == SHARE else signed
    names = {SHARE: (), STEP: ("p", "p (Holm)"), PROTOCOL: ("p",)}.get(kind, ("p (TOST)",))
    header = (
        "workload",
        "method" if kind == SHARE else "difference",
        "n",
        "share" if kind == SHARE else "points",
        "95 %",
        *names,
        *(("reads as",) if kind in _READ else ()),
        "blank because",
    )
    rows = (
        (c.workload, c.name, ", ".join(map(str, c.seeds)), unit(c.value), interval(unit(c.low), unit(c.high)))
        + tuple(p_value(p) for p in (c.p, c.p_holm)[: len(names)])
        + ((_reading(c),) if kind in _READ else ())
        + (c.reason,)
        for c in found
        if c.kind == kind
    )
    return Table(header, tuple(rows), labels=2)


def data(found: list[Comparison]) -> Table:
    """All comparisons as numbers: points, fractions of the gap, p-values."""
    header = (
        "kind", "workload", "comparison", "seeds", "value", "low95", "high95", "p", "p_holm", "blank_because",
    )  # fmt: skip
    rows = (
        (c.kind, c.workload, c.name, " ".join(map(str, c.seeds)))
        + tuple(fixed(x) for x in (c.value, c.low, c.high))
        + ("" if c.p is None else f"{c.p:.3g}", "" if c.p_holm is None else f"{c.p_holm:.3g}", c.reason)
        for c in found
    )
    return Table(header, tuple(rows), labels=4)


def _reading(c: Comparison) -> str:
    """What an equivalence test and the interval say together; empty where there is no interval."""
    if c.low is None or c.high is None or c.p is None:
        return ""
    if c.kind in _EQUIVALENCES and c.p < LEVEL:
        return f"within {MARGIN:g}"
    if c.low > 0 or c.high < 0:
        return "higher" if c.low > 0 else "lower"
    return "open"
