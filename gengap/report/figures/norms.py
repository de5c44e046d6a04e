"""Which norm does figure 2 show? Our end distances and slopes in both norms, next to the published ones."""

from collections.abc import Sequence

import numpy as np

from gengap.paper.figures import published
from gengap.report.distance import Walk
from gengap.report.figures.curves import Curve
from gengap.report.format import spread
from gengap.report.markup import Table
from gengap.report.statistics import Summary

QUANTITIES = ("end distance", "slope")


def norm_table(curves: Sequence[tuple[str, str, Curve, Walk]]) -> Table:
    """Tabulate a row per panel and batch, from (panel, norm, curve, walk), then the mean deviation per norm.

    End distances are interpolated in ln t at the first change of the learning rate. Slopes are per ln t, over
    the last decade of updates before it.
    """
    norms = list(dict.fromkeys(norm for _, norm, *_ in curves))
    walks = {(panel, curve.experiment, norm): walk for panel, norm, curve, walk in curves}
    labels = {(panel, curve.experiment): curve.label for panel, _, curve, _ in curves}
    rows, deviations = [], dict[tuple[str, str], list[float]]()
    for (panel, experiment), label in labels.items():
        cells = []
        for quantity in QUANTITIES:
            printed = published(panel, quantity, experiment)
            cells.append(printed or "–")
            for norm in norms:
                ours = _ours(walks[panel, experiment, norm], quantity)
                cells.append(spread(ours))
                if ours and printed:
                    deviations.setdefault((quantity, norm), []).append(ours.mean / float(printed) - 1)
        rows.append((panel, label, *cells))
    last = [c for q in QUANTITIES for c in ("", *(_deviation(deviations.get((q, n), [])) for n in norms))]
    rows.append(("", "mean |ours / published - 1|", *last))
    header = [c for q in QUANTITIES for c in (f"{q}, published", *(f"{q}, {norm}" for norm in norms))]
    return Table(("panel", "line", *header), tuple(rows), labels=2)


def _ours(walk: Walk, quantity: str) -> Summary | None:
    if quantity == "end distance":
        return walk.end_distance()
    return walk.late_slope()


def _deviation(values: list[float]) -> str:
    return f"{100 * np.mean(np.abs(values)):.0f} %" if values else ""
