"""What of the paper has not been run: cells of its tables, and figures."""

from collections.abc import Sequence

from gengap.paper import tables as paper
from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Records, rows_of
from gengap.report.figures.figure import Figure
from gengap.report.measure import measure_cell
from gengap.report.rows import PAPER_TABLES

ALL = "all cells"


def cells_not_run(records: Records) -> dict[tuple[int, str], str]:
    """By table and row, the columns without a finished run in any precision and protocol, or ALL."""
    there = rows_of(records, *PAPER_TABLES)
    found = {}
    for number in PAPER_TABLES.values():
        for name in paper.rows(number):
            rows = [row for row in there if row.name == name]
            left = [m for m in METHODS if not any(measure_cell(records, row, m).n for row in rows)]
            if left:
                found[number, name] = ALL if len(left) == len(METHODS) else ", ".join(LABELS[m] for m in left)
    return found


def figures_not_drawn(shown: Sequence[Figure]) -> list[Figure]:
    """The paper's figures that lack runs."""
    return [figure for figure in shown if not figure.draw and figure.number]
