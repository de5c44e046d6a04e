"""Parts of the paper that have not been run: cells of its tables, and figures."""

from collections.abc import Sequence

from gengap.paper import tables as paper
from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Records, rows_of
from gengap.report.figures.figure import Figure
from gengap.report.landscape import potentials
from gengap.report.landscape.section import Landscape
from gengap.report.measure import measure_cell
from gengap.report.rows import PAPER_TABLES

ALL = "all cells"
_FIGURE4 = "cifar10_resnet44"  # workload shown in figure 4
Cells = dict[tuple[int, str], list[str]]  # methods by table and row


def cells_not_run(records: Records) -> Cells:
    """List, per row, the methods without a finished run in any precision and protocol."""
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
    """Format methods as `+GBN, +RA`, or as ALL."""
    return ALL if len(methods) == len(METHODS) else ", ".join(LABELS[m] for m in methods)


def figures_not_drawn(shown: Sequence[Figure], landscape: Landscape) -> list[tuple[str, str]]:
    """List number and title of the paper's figures that lack runs."""
    found = [(figure.number, figure.title) for figure in shown if not figure.draw and figure.number]
    surfaces = potentials.collected(landscape.read)
    if not any(surface.row.name == _FIGURE4 for surface in surfaces):
        found.append(("Figure 4", f"the loss as a random potential, {paper.title(_FIGURE4)}"))
    return sorted(found)
