"""At a glance: how many cells there are, how close they are to the paper, and whether the gap closes."""

from collections import Counter

from gengap.config.schema import FP32, deviation
from gengap.paper import tables as paper
from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Records, rows_of
from gengap.report.comparisons import gap
from gengap.report.format import ABOVE, BELOW, NEAR, interval, signed
from gengap.report.margins import published_difference
from gengap.report.markup import Table
from gengap.report.measure import measure_cell
from gengap.report.rows import KINDS, PAPER_TABLES, Part, Row, marked

_GAPS = (("sb", "lb"), ("lb_ra", "sb"))


def counts(records: Records) -> str:
    """Write a line per table and kind of row: how many cells have finished runs, how close to the paper."""
    lines = (_line(records, part, *kind) for part in PAPER_TABLES for kind in KINDS)
    return "".join(f"- {line}\n" for line in lines if line)


def _line(records: Records, part: Part, precision: str, protocol: str) -> str:
    rows = (Row(name, precision, protocol) for name in paper.rows(PAPER_TABLES[part]))
    cells = [measure_cell(records, row, m) for row in rows for m in METHODS]
    marks = Counter(c.mark for c in cells if c.mark)
    if not marks:
        return ""
    name = marked(part.heading, deviation(precision, protocol) or FP32)
    found = f"{name}: {sum(marks.values())} of {len(cells)} cells have finished runs"
    close = (
        f"{marks[NEAR]} near the paper's number (≈), {marks[ABOVE]} above it (▲), {marks[BELOW]} below it (▼)"
    )
    predicted = [c.predicts for c in cells if c.predicts is not None]
    of = f"{sum(predicted)} of {len(predicted)} cells with at least two seeds"
    inside = f"; the prediction interval contains it in {of}"
    return f"{found}: {close}{inside if predicted else ''}."


def gaps(records: Records, *parts: Part) -> Table:
    """Tabulate SB - LB (the gap) and +RA - SB (what remains of it) for every row, in points.

    They stand next to the published differences, if a paper has any of the rows.
    """
    known = (published_difference(row.name, *pair) for row in rows_of(records, *parts) for pair in _GAPS)
    published = any(value is not None for value in known)
    columns = ("", "95 %", "paper's ") if published else ("", "95 %")
    names = [f"{LABELS[a]} − {LABELS[b]}" for a, b in _GAPS]
    header = (c if c == "95 %" else f"{c}{name}" for name in names for c in columns)
    rows = []
    for row in rows_of(records, *parts):
        found = [_gap(records, row, a, b)[: len(columns)] for a, b in _GAPS]
        if any(ours for ours, *_ in found):
            rows.append((row.title, *(cell for cells in found for cell in cells)))
    return Table(("workload", *header), tuple(rows))


def _gap(records: Records, row: Row, a: str, b: str) -> tuple[str, str, str]:
    ours = gap(records, row, a, b)
    theirs = signed(published_difference(row.name, a, b)) or "–"
    return signed(ours.value), interval(signed(ours.low), signed(ours.high)), theirs
