"""Speed beside the typical loop's, as `gengap bench` measured it: a figure a machine."""

import re
from functools import partial
from typing import Any

from matplotlib.figure import Figure as Drawing

from gengap.report.figures.figure import Figure, paragraph
from gengap.report.figures.style import METHOD_STYLES
from gengap.report.speed import machine, table

_LOOKS: dict[str, dict[str, Any]] = {
    "typical loop": {"color": "#c8c8c8"},
    "gengap fp32": {"color": METHOD_STYLES["lb_lr"].colour, "hatch": "//", "edgecolor": "white"},
    "gengap bf16": {"color": METHOD_STYLES["lb_ra"].colour},
}
_WIDTH = 0.27  # of a bar, where groups are 1 apart


def figure(document: dict[str, Any]) -> Figure:
    """What `gengap bench` wrote of one machine."""
    hardware, rows = document["hardware"], document["rows"]
    rates = ", ".join(f"{k} {v:,.0f}" for k, v in document["matrix_gflops"].items())
    commits = ", ".join(sorted({str(r["git_commit"])[:8] for r in rows}))
    turns = " or ".join(map(str, sorted({r["turns"] for r in rows})))
    caption = paragraph(
        "Training on random images, gengap and the typical loop in turns, each in a process that rests while "
        "the other one is measured; medians. The typical loop: torchvision transforms on PIL images in a "
        "DataLoader, fp32, not compiled, .item() at every step, with ghosts a forward and backward pass a "
        'ghost; rows in bf16 are beside the same fp32 loop. "engine" is what gengap chose to run its '
        'update. "ratio" is of images/s in two turns next to each other, of all turns the median: what '
        "drifts drifts for both, and the quotient of the two medians beside it may differ; a "
        f"row had {turns} turns. "
        '"of matrix rate" is the share of what a large product reaches '
        f"on this machine ({rates} GFLOP/s).",
        '"of copy rate" is the share of what copying a large array reaches '
        f"({document['copy_gbs']:,.0f} GB/s, reading and writing) that an update needs at least: activations "
        "saved for the backward pass, written and read once, and weights, gradient and velocity, read and "
        "written once, counted without a compiler; arrays that stay in a cache need less.",
        '"memory" is the most that the process took, torch itself and the data set with it; "start" is the '
        'time to import, build and load, "warm-up" what the first update takes beyond a steady one '
        "(compilation, choice of kernels).",
        f"torch {document['versions']['torch']}, {commits}.",
    )
    return Figure(
        name=f"speed-{slug(hardware)}",
        number="",
        title=f"Speed on {machine(hardware)}",
        caption=caption,
        tables={"Measured": table(rows, hardware["device"])},
        draw=partial(_draw, rows) if rows else None,
    )


def slug(hardware: dict[str, Any]) -> str:
    """The machine as a file name."""
    return re.sub(r"[^a-z0-9]+", "-", machine(hardware).lower()).strip("-")


def _draw(rows: list[dict[str, Any]]) -> Drawing:
    groups: dict[str, dict[str, float]] = {}
    for r in rows:
        ghosts = f", ghosts of {r['ghost_size']}" if r["ghost_size"] else ""
        bars = groups.setdefault(f"{r['workload']}\n{r['batch_size']:,}{ghosts}", {"typical loop": 1.0})
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
