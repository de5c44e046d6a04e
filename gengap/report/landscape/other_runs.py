"""Measurements of runs that are not cells of the tables."""

from collections.abc import Container

from gengap.paper import keskar
from gengap.report.landscape.numbers import Measure, Numbers, measures
from gengap.report.landscape.tables import accuracy, value, warnings
from gengap.report.markup import Table


def other_runs(found: Numbers, elsewhere: Container[tuple[str, Measure]] = ()) -> Table:
    """Tabulate all measures of runs that are not cells, except those (run, measure) shown elsewhere."""
    rows = [
        (
            *(s.row.title, s.label, f"{s.batch_size:,}", m.name, m.batch_norm, m.settings),
            *(value(found[s][m]), accuracy({m: found[s][m]}, keskar.TEST), warnings([found[s][m]])),
        )
        for s in found
        if not s.method
        for m in measures({s: found[s]})
        if (s.run, m) not in elsewhere
    ]
    header = (
        "workload", "run", "batch", "measure", "batch norm", "settings", "value", "validation %", "warnings",
    )  # fmt: skip
    return Table(header, tuple(rows), labels=6)
