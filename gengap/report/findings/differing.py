"""Cells that differ from the published number: the suspected cause, and what settings that test it give."""

from collections.abc import Iterator, Mapping, Sequence

from gengap.paper import tables as paper
from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Records, rows_of
from gengap.report.findings.causes import trials
from gengap.report.format import NEAR, spread
from gengap.report.markup import Table
from gengap.report.measure import Measured, measure_cell
from gengap.report.rows import PAPER_TABLES, Row

_ITSELF = "as in Table 1"


def differing(records: Records, row: Row) -> list[Measured]:
    """Measure the cells of a row that are not within a quarter of the published gap."""
    cells = (measure_cell(records, row, m) for m in METHODS)
    return [cell for cell in cells if cell.mark and cell.mark != NEAR]


def causes_of(records: Records, row: Row) -> Iterator[str]:
    """Yield a sentence per suspected cause, with the cells that differ by it."""
    by_cause: dict[str, list[Measured]] = {}
    for cell in differing(records, row):
        by_cause.setdefault(trials(records, cell)[0], []).append(cell)
    for cause, cells in by_cause.items():
        ends = ", ".join(_end(cell) for cell in cells)
        yield f"{row.title}: {ends}.{f' Suspected cause: {cause}.' if cause else ''}"


def _end(cell: Measured) -> str:
    return f"{LABELS[cell.method]} is {spread(cell.accuracy)} (n = {cell.n}; paper {cell.paper})"


def trials_table(records: Records, rows: Sequence[Row]) -> Table:
    """Tabulate the accuracy in those of these rows that have differing cells, and with each setting tried."""
    tested = {row: found for row in rows if (found := _tested(records, row))}
    methods = [m for m in METHODS if any(_was_tried(found.get(m, {})) for found in tested.values())]
    lines = (line for row, found in tested.items() for line in _lines(row, found, methods))
    return Table(("network", "with", *(LABELS[m] for m in methods)), tuple(lines), labels=2)


def _lines(row: Row, found: dict[str, dict[str, str]], methods: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield a line per setting of a row, of which only the first names it, and one for the paper."""
    name = row.title
    for setting in dict.fromkeys(s for settings in found.values() for s in settings):
        yield name, setting, *(found.get(m, {}).get(setting, "") for m in methods)
        name = ""
    yield "", "paper", *(paper.accuracy(row.name, m) if m in found else "" for m in methods)


def _was_tried(settings: Mapping[str, str]) -> bool:
    return any(not words.startswith((_ITSELF, "precision=")) for words in settings)


def _tested(records: Records, row: Row) -> dict[str, dict[str, str]]:
    """Map a row's methods to the accuracy with each setting; empty if no cell differs or none was tried."""
    found: dict[str, dict[str, str]] = {}
    if not differing(records, row):
        return found
    cells = [cell for m in METHODS if (cell := measure_cell(records, row, m)).mark]
    trials_of = {cell.method: _with_most_seeds(records, cell) for cell in cells}
    if any(trials_of.values()):
        for cell in cells:
            each = {_ITSELF: cell, **_in_other_precisions(records, cell), **trials_of[cell.method]}
            found[cell.method] = {words: _accuracy(cell, trial) for words, trial in each.items()}
    return found


def _in_other_precisions(records: Records, cell: Measured) -> dict[str, Measured]:
    """Map settings to the cell itself in other precisions, which trials in these are to be compared with."""
    found = {}
    for row in _precisions(records, cell):
        other = measure_cell(records, row, cell.method)
        if other.n and other.precision != cell.precision:
            found[f"precision={row.precision}"] = other
    return found


def _precisions(records: Records, cell: Measured) -> list[Row]:
    kind = (cell.workload, cell.protocol)
    return [row for row in rows_of(records, *PAPER_TABLES) if (row.name, row.protocol) == kind]


def _accuracy(cell: Measured, trial: Measured) -> str:
    precision = "" if trial.precision == cell.precision else f", {trial.precision}"
    return f"{spread(trial.accuracy)} (n={trial.n}{precision})"


def _with_most_seeds(records: Records, cell: Measured) -> dict[str, Measured]:
    """Map the settings of a cell's trials that were run to results, in the precision with the most seeds."""
    most: dict[str, Measured] = {}
    for row in _precisions(records, cell):
        for trial in trials(records, measure_cell(records, row, cell.method))[1]:
            settings = " ".join(w for w in trial.words.split() if w != f"precision={row.precision}")
            if trial.found and (settings not in most or trial.found.n > most[settings].n):
                most[settings] = trial.found
    return most
