"""gengap's Hessian eigenvalue next to other libraries', as measured by `gengap bench hessian=RUN`."""

from collections.abc import Sequence
from typing import Any

from gengap.paper import tables as paper
from gengap.paper.methods import LABELS
from gengap.report.markup import Table
from gengap.report.section import Section

HESSIAN = "hessian"  # key in a machine's file
ABOUT = """\
The largest eigenvalue of the Hessian of the mean cross-entropy over `samples` training images, with running
statistics in batch norm, at the weights of a trained network. The libraries take turns, each from a random
vector of its own per turn. "off by" is the largest relative difference of all turns from the eigenvalue in
float64 to a residual of 1e-6. Every library has the cheapest setting with which all its turns are within
1e-3, found out before the turns. "gengap is" is how many times as fast gengap is, the median over adjacent
turns and its quartiles. PyHessian gets all images as one batch, without which it computes every gradient
anew.
"""


def hessian_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Tabulate one row per run and library."""
    header = (
        "workload", "method", "samples", "library", "setting", "gengap's setting", "gengap is", "quartiles",
        "seconds", "gengap seconds", "off by", "gengap off by", "turns",
    )  # fmt: skip
    return Table(header, tuple(map(_row, rows)), labels=6)


def _row(r: dict[str, Any]) -> tuple[str, ...]:
    return (
        paper.title(r["workload"]),
        LABELS.get(r["method"], r["method"]),
        f"{r['samples']:,}",
        f"{r['library']} {r['version']}",
        r["setting"],
        r["gengap_setting"],
        f"{r['ratio']:.2f}x",
        f"{r['ratio_low']:.2f}–{r['ratio_high']:.2f}",
        f"{r['seconds']:.1f}",
        f"{r['gengap_seconds']:.1f}",
        f"{r['off']:.0e}",
        f"{r['gengap_off']:.0e}",
        str(r["turns"]),
    )


def hessian(document: dict[str, Any]) -> tuple[Section, ...]:
    """Build the section on a machine's Hessian measurements, if it has any."""
    rows = document.get(HESSIAN)
    return (Section("The Hessian beside other libraries", (ABOUT, hessian_table(rows))),) if rows else ()
