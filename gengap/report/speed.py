"""Speed as `gengap bench` measured it, beside its targets."""

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

from gengap.report.markup import Table


@cache
def targets() -> dict[tuple[str, str, str, str], str]:
    """(device, workload, method, precision) to the target as written: a ratio, or seconds an epoch."""
    with (Path(__file__).parent / "targets.csv").open(newline="") as file:
        return {
            (r["device"], r["workload"], r["method"], r["precision"]): r["target"]
            for r in csv.DictReader(file)
        }


def read_measurements(results_dir: Path) -> tuple[list[dict[str, Any]], list[tuple[Path, str]]]:
    """The measurements under results_dir/bench, a machine each, and the files that are none, with why."""
    found, unreadable = [], []
    for path in sorted((results_dir / "bench").glob("*.json")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            table(document["rows"], document["hardware"]["device"])
            found.append(document)
        except (ValueError, KeyError, TypeError) as error:
            unreadable.append((path, f"is no measurement of gengap bench ({type(error).__name__})"))
    return found, unreadable


def table(rows: list[dict[str, Any]], device: str = "cpu") -> Table:
    """One row a workload, method and precision."""
    header = (
        "workload", "batch / ghost", "precision", "ratio", "target", "updates/s", "images/s", "s/epoch",
        "of matrix rate", "of copy rate", "typical images/s", "memory MiB", "typical", "start s", "warm-up s",
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
        f"{100 * r['copy_share']:.0f} %" if "copy_share" in r else "",  # measured before it was counted
        f"{batch / r['typical_seconds']:,.0f}",
        f"{r['gengap_memory']:,}",
        f"{r['typical_memory']:,}",
        f"{r['gengap_start']:.1f}",
        f"{max(0, r['gengap_first_update'] - seconds):.1f}",
    )
