"""Which norm does figure 2 show? Answered from runs in another precision, while there are none in fp32."""

from dataclasses import replace

from gengap.config.schema import FP32
from gengap.report.cells import Group, Records
from gengap.report.figures.curves import Curve, with_runs
from gengap.report.figures.distance_by_batch import PANELS, TABLE, NormCurve, norm_curves
from gengap.report.figures.norms import norm_table
from gengap.report.markup import Table
from gengap.report.rows import marked

HEADING = "Which norm does figure 2 show?"


def norms_elsewhere(records: Records) -> Table:
    """Make the table of figure 2 from such runs; empty if there are none, or figure 2 has its own runs."""
    found = [] if of_figure(records) else _in_other_precision(records)
    return norm_table([(c.panel, c.norm, c.curve, c.walk) for c in found]) if found else Table((), ())


def norms(records: Records) -> list[NormCurve]:
    """List the curves of figure 2 or, if it has none, those from runs in another precision."""
    return of_figure(records) or _in_other_precision(records)


def heading(records: Records) -> str:
    """Heading of the table that answers the question."""
    return TABLE if of_figure(records) else HEADING


def of_figure(records: Records) -> list[NormCurve]:
    """List the curves of figure 2 itself."""
    return [
        found
        for panel, (curves, _) in PANELS.items()
        for found in norm_curves(panel, with_runs(records, curves))
    ]


def _in_other_precision(records: Records) -> list[NormCurve]:
    others = {
        group.experiment: (row.precision, group)
        for (row, _), group in records.cells.items()
        if row.precision != FP32
    }
    return [
        found
        for panel, (curves, _) in PANELS.items()
        for found in norm_curves(
            panel, tuple(_marked(c, *others[c.experiment]) for c in curves if c.experiment in others)
        )
    ]


def _marked(curve: Curve, precision: str, group: Group) -> Curve:
    return replace(curve, group=group, style=replace(curve.style, label=marked(curve.label, precision)))
