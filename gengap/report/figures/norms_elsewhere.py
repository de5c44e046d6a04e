"""Which norm does figure 2 show? Answered from runs in another precision, while it has none in fp32."""

from dataclasses import replace

from gengap.config.schema import FP32
from gengap.report.cells import Group, Records
from gengap.report.figures.curves import Curve, with_runs
from gengap.report.figures.distance_by_batch import PANELS, norm_curves
from gengap.report.figures.norms import norm_table
from gengap.report.markup import Table
from gengap.report.rows import marked


def norms_elsewhere(records: Records) -> Table:
    """The table of figure 2 from such runs; empty if there are none, or figure 2 has runs of its own."""
    panels = {panel: with_runs(records, curves) for panel, (curves, _) in PANELS.items()}
    if any(norm_curves(panel, curves) for panel, curves in panels.items()):
        return Table((), ())
    others = {
        group.experiment: (row.precision, group)
        for (row, _), group in records.cells.items()
        if row.precision != FP32
    }
    found = [
        (c.panel, c.norm, c.curve, c.walk)
        for panel, curves in panels.items()
        for c in norm_curves(
            panel, tuple(_marked(c, *others[c.experiment]) for c in curves if c.experiment in others)
        )
    ]
    return norm_table(found) if found else Table((), ())


def _marked(curve: Curve, precision: str, group: Group) -> Curve:
    return replace(curve, group=group, style=replace(curve.style, label=marked(curve.label, precision)))
