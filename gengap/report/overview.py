"""At a glance: how many cells there are, how close to the paper, and whether the gap closes."""

from collections import Counter

from gengap.config.schema import FP32, deviation
from gengap.paper import tables as paper
from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Records, rows_of_table
from gengap.report.comparisons import gap
from gengap.report.format import ABOVE, BELOW, NEAR, interval, mark, signed
from gengap.report.markup import Table
from gengap.report.measure import measure_cell
from gengap.report.rows import KINDS, Row, marked
from gengap.report.significance import MARGIN

_GAPS = (("sb", "lb"), ("lb_ra", "sb"))


def counts(records: Records) -> str:
    """A line per table and kind of row: how many cells have finished runs, and how close to the paper."""
    lines = (_line(records, table, *kind) for table in (1, 2) for kind in KINDS)
    return "".join(f"- {line}\n" for line in lines if line)


def _line(records: Records, table: int, precision: str, protocol: str) -> str:
    rows = (Row(name, precision, protocol) for name in paper.rows(table))
    cells = [measure_cell(records, row, m) for row in rows for m in METHODS]
    marks = Counter(mark(c.difference) for c in cells if c.difference is not None)
    if not marks:
        return ""
    name = marked(f"Table {table}", deviation(precision, protocol) or FP32)
    found = f"{name}: {sum(marks.values())} of {len(cells)} cells have finished runs"
    close = f"{marks[NEAR]} within {MARGIN:g} points of the paper's number"
    return f"{found}: {close}, {marks[ABOVE]} above it, {marks[BELOW]} below it."


def gaps(records: Records) -> Table:
    """SB - LB (the gap) and +RA - SB (what remains of it) for every row, ours and the paper's, in points."""
    header = ["workload"]
    for a, b in _GAPS:
        name = f"{LABELS[a]} − {LABELS[b]}"
        header += [name, "95 %", f"paper's {name}"]
    found = [row for table in (1, 2) for row in rows_of_table(records, table)]
    rows = ((row.title, *_gap(records, row, *_GAPS[0]), *_gap(records, row, *_GAPS[1])) for row in found)
    return Table(tuple(header), tuple(row for row in rows if any(row[1:3] + row[4:6])))


def _gap(records: Records, row: Row, a: str, b: str) -> tuple[str, str, str]:
    ours = gap(records, row, a, b)
    printed = [paper.accuracy(row.name, m) for m in (a, b)]
    theirs = signed(float(printed[0]) - float(printed[1])) if all(printed) else "–"
    return signed(ours.value), interval(signed(ours.low), signed(ours.high)), theirs
