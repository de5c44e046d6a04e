"""What of the paper has not been run: cells of its tables, and figures."""

from collections.abc import Sequence

from gengap.paper import tables as paper
from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Records, rows_of
from gengap.report.figures.figure import Figure
from gengap.report.measure import measure_cell
from gengap.report.rows import PAPER_TABLES

ALL = "all cells"
Cells = dict[tuple[int, str], list[str]]  # methods by table and row


def cells_not_run(records: Records) -> Cells:
    """The columns without a finished run in any precision and protocol."""
    there = rows_of(records, *PAPER_TABLES)
    found: Cells = {}
    for number in PAPER_TABLES.values():
        for name in paper.rows(number):
            rows = [row for row in there if row.name == name]
            left = [m for m in METHODS if not any(measure_cell(records, row, m).n for row in rows)]
            if left:
                found[number, name] = left
    return found


def listed(methods: Sequence[str]) -> str:
    """`+GBN, +RA`, or ALL."""
    return ALL if len(methods) == len(METHODS) else ", ".join(LABELS[m] for m in methods)


def figures_not_drawn(shown: Sequence[Figure]) -> list[Figure]:
    """The paper's figures that lack runs."""
    return [figure for figure in shown if not figure.draw and figure.number]
