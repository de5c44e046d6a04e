"""Speed as `gengap bench` measured it, beside its targets: a table and a figure a machine."""

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from gengap.report.markup import Table


@cache
def targets() -> dict[tuple[str, str, str, str], str]:
    """(device, workload, method, precision) to the target as written: a ratio, or seconds an epoch."""
    with (Path(__file__).parent / "targets.csv").open(newline="") as file:
        return {
            (r["device"], r["workload"], r["method"], r["precision"]): r["target"]
            for r in csv.DictReader(file)
        }


def documents(results_dir: Path) -> list[dict[str, Any]]:
    """The measurements under results_dir/bench, a machine each, by file name."""
    return [json.loads(p.read_text()) for p in sorted((results_dir / "bench").glob("*.json"))]


def table(rows: list[dict[str, Any]], device: str = "cpu") -> Table:
    """One row a workload, method and precision."""
    header = (
        "workload", "batch / ghost", "precision", "ratio", "target", "updates/s", "images/s", "s/epoch",
        "of matrix rate", "typical images/s", "memory MiB", "typical", "start s", "first update s",
    )  # fmt: skip
    return Table(header, tuple(_row(r, device) for r in rows), labels=3)


def _row(r: dict[str, Any], device: str) -> tuple[str, ...]:
    batch, seconds = r["batch_size"], r["gengap_seconds"]
    return (
        r["workload"],
        f"{batch:,} / {r['ghost_size'] or '–'}",
        r["precision"],
        f"{r['ratio']:.2f}x",
        targets().get((device, r["workload"], r["method"], r["precision"]), ""),
        f"{1 / seconds:,.2f}",
        f"{batch / seconds:,.0f}",
        f"{r['seconds_per_epoch']:.2f}",
        f"{100 * r['matrix_share']:.0f} %",
        f"{batch / r['typical_seconds']:,.0f}",
        f"{r['gengap_memory']:,}",
        f"{r['typical_memory']:,}",
        f"{r['gengap_start']:.1f}",
        f"{r['gengap_first_update']:.1f}",
    )


def draw(document: dict[str, Any]) -> Figure:
    """Images/s of gengap beside the typical loop's, a group of bars a workload and batch."""
    groups: dict[str, list[tuple[str, float]]] = {}
    for r in document["rows"]:
        label = f"{r['workload']}\n{r['batch_size']} / {r['ghost_size'] or '–'}"
        bars = groups.setdefault(label, [("typical", 1.0)])
        bars.append((f"gengap {r['precision']}", r["ratio"]))
    figure = Figure(figsize=(1.8 + 1.9 * len(groups), 3.4), layout="constrained")
    axis = figure.subplots()
    colours = {"typical": "#b0b0b0", "gengap fp32": "#3fae8c", "gengap bf16": "#0b4f94"}
    for i, bars in enumerate(groups.values()):
        for k, (name, ratio) in enumerate(bars):
            x = i + (k - (len(bars) - 1) / 2) * 0.27
            axis.bar(x, ratio, 0.25, color=colours[name], label=name if i == 0 else None)
            axis.text(x, ratio, f"{ratio:.1f}", ha="center", va="bottom", fontsize=8)
    axis.set_xticks(range(len(groups)), list(groups))
    axis.set_ylabel("speed, typical loop = 1")
    axis.set_title(document["hardware"]["name"], fontsize=10, loc="left")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    return figure
