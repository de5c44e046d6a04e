"""Which norm does figure 2 show? Our end distances and slopes in both norms beside the published ones."""

from collections.abc import Sequence

import numpy as np

from gengap.paper.figures import published
from gengap.report.distance import Walk
from gengap.report.figures.members import Member
from gengap.report.format import spread
from gengap.report.markup import Table
from gengap.report.statistics import Summary

QUANTITIES = ("end distance", "slope")


def norm_table(lines: Sequence[tuple[str, str, Member, Walk]]) -> Table:
    """One row a panel and batch, from (panel, norm, member, walk); last, each norm's mean deviation.

    End distances are ours where the learning rate first changes, interpolated in ln t. Slopes are per ln t,
    over the last decade before that.
    """
    norms = list(dict.fromkeys(norm for _, norm, *_ in lines))
    walks = {(panel, member.experiment, norm): found for panel, norm, member, found in lines}
    members = {(panel, member.experiment): member.label for panel, _, member, _ in lines}
    rows, deviations = [], dict[tuple[str, str], list[float]]()
    for (panel, experiment), label in members.items():
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


def _ours(found: Walk, quantity: str) -> Summary | None:
    if quantity == "end distance":
        return found.end_distance()
    return found.late_slope()


def _deviation(values: list[float]) -> str:
    return f"{100 * np.mean(np.abs(values)):.0f} %" if values else ""
