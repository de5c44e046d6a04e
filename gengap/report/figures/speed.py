"""Speed relative to the typical loop, as measured by `gengap bench`: one figure per machine."""

import re
from functools import partial
from typing import Any

from matplotlib.figure import Figure as Drawing

from gengap.paper import tables as paper
from gengap.report.escape import picture_text
from gengap.report.figures.figure import Figure, paragraph
from gengap.report.figures.style import METHOD_STYLES
from gengap.report.section import Plain
from gengap.report.speed import machine, table

_LOOKS: dict[str, dict[str, Any]] = {
    "typical loop": {"color": "#c8c8c8"},
    "gengap fp32": {"color": METHOD_STYLES["lb_lr"].color, "hatch": "//", "edgecolor": "white"},
    "gengap bf16": {"color": METHOD_STYLES["lb_ra"].color},
}
_LONGEST_STEM = 100  # most characters in a file name
_WIDTH = 0.27  # width of a bar; groups are 1 apart


def figure(document: dict[str, Any]) -> Figure:
    """Make the figure of one machine's measurements."""
    hardware, rows = document["hardware"], document["rows"]
    rates = ", ".join(f"{k} {v:,.0f}" for k, v in document["matrix_gflops"].items())
    commits = ", ".join(sorted({str(r["git_commit"])[:8] for r in rows}))
    turns = ", ".join(map(str, sorted({r["turns"] for r in rows})))
    caption = paragraph(
        "Images per second of gengap and of a typical loop, which train on random images in turns, each in "
        "its own process, stopped while the other is measured. Values are medians over turns.",
    )
    details = (
        "The typical loop: torchvision "
        "transforms on PIL images in a DataLoader, fp32, not compiled, .item() at every step, and with "
        "ghosts one forward and backward pass per ghost; rows in bf16 are compared with the same fp32 loop. "
        '"engine" is how gengap chose to run its update. "ratio" is of images/s, the median over pairs of '
        "adjacent turns, so that drift affects both sides, with its quartiles; it can differ from the ratio "
        "of the two medians. "
        f"Turns per row: {turns}. "
        '"of matrix rate" is the share of the rate of a large matrix product on this machine '
        f'({rates} GFLOP/s). "of copy rate" is the share of the rate of copying a large array '
        f"({document['copy_gbs']:,.0f} GB/s, reads plus writes) that an update needs at least: activations "
        "saved for the backward pass, written and read once, and weights, gradient and velocity, read and "
        "written once, counted without a compiler. Arrays that stay in a cache need less. "
        '"memory" is the peak of the process, including torch itself and the data set; "start" is the time '
        'to import, build and load; "warm-up" is how much longer the first update takes than a steady one '
        "(compilation, choice of kernels). "
        f"torch {document['versions']['torch']}, commits {commits}."
    )
    return Figure(
        name=f"speed-{slug(hardware)}",
        number="",
        title=f"Speed on {machine(hardware)}",
        caption=caption,
        details=Plain((details,)),
        tables={"Measured": table(rows, hardware["device"])},
        draw=partial(_draw, rows) if rows else None,
    )


def slug(hardware: dict[str, Any]) -> str:
    """Convert a machine's name to the stem of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", machine(hardware).lower()).strip("-")[:_LONGEST_STEM]


def _draw(rows: list[dict[str, Any]]) -> Drawing:
    groups: dict[str, dict[str, float]] = {}
    for r in rows:
        ghosts = f", ghosts of {r['ghost_size']}" if r["ghost_size"] else ""
        label = f"{picture_text(paper.title(r['workload']))}\n{r['batch_size']:,}{ghosts}"
        bars = groups.setdefault(label, {"typical loop": 1.0})
        bars[f"gengap {r['precision']}"] = r["ratio"]
    drawing = Drawing(figsize=(1.6 + 1.9 * len(groups), 3.4), layout="constrained")
    axis = drawing.subplots()
    for place, bars in enumerate(groups.values()):
        for k, (name, ratio) in enumerate(bars.items()):
            x = place + (k - (len(bars) - 1) / 2) * _WIDTH
            axis.bar(x, ratio, _WIDTH * 0.92, label=name if place == 0 else None, **_LOOKS[name])
            axis.text(x, ratio, f"{ratio:.1f}", ha="center", va="bottom")
    axis.set_xticks(range(len(groups)), list(groups))
    axis.set_ylabel("images/s, typical loop = 1")
    drawing.legend(loc="outside upper center", ncols=len(_LOOKS), frameon=False)
    return drawing
