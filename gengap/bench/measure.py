"""The comparison: both sides take turns, their medians, and the files that record them."""

import json
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any

from gengap.bench.cases import SHAPES, Case
from gengap.bench.machine import gb_per_update, gflop_per_image, peak_rates
from gengap.bench.sides import Side, Startup
from gengap.report.contents import figure as section_of
from gengap.report.contents import targets
from gengap.report.figures.canvas import save
from gengap.report.figures.speed import figure, slug
from gengap.report.markup import markdown
from gengap.report.section import Section, markdown_section
from gengap.report.speed import table
from gengap.runs.store import write_atomically
from gengap.terminal import say

TURN_SECONDS = 2.0
CASE_SECONDS = 75.0  # no round starts later than this


def measure_all(chosen: Sequence[Case], rounds: int, results_dir: Path) -> int:
    """Measure the cases, print and record them; earlier records of other cases on this machine stay."""
    machine = peak_rates()
    folder = results_dir / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{slug(machine['hardware'])}.json"
    rates = ", ".join(f"{k} {v:,.0f} GFLOP/s" for k, v in machine["matrix_gflops"].items())
    say(f"{machine['hardware']['name']}: {rates}, copy {machine['copy_gbs']:.0f} GB/s")
    for case in chosen:
        rows = measure(case, rounds, machine)
        document = _merged(path, machine, rows)
        write_atomically(path, (json.dumps(document, indent=1) + "\n").encode())
        print(markdown(table(rows, machine["hardware"]["device"])), flush=True)
    write_page(json.loads(path.read_text()), folder)
    say(f"{path}: written, with a table (.md) and a figure (.svg, .pdf, .png)")
    return 0


def write_page(document: dict[str, Any], folder: Path) -> None:
    """Write a machine's measurements for reading: their table, the targets, and a figure."""
    shown = figure(document)
    save(shown, folder)
    whole = section_of(shown)
    page = Section(whole.heading, (*whole.blocks, targets([document])))
    (folder / f"{shown.name}.md").write_text(markdown_section(page), encoding="utf-8")


def measure(case: Case, rounds: int, machine: dict[str, Any]) -> list[dict[str, Any]]:
    """One row per precision: the medians of gengap and the typical loop over at most `rounds` turns each."""
    configs = {p: case.config(p) for p in case.precisions}
    first = next(iter(configs.values()))
    samples, height, width, channels, classes = SHAPES[first.data.name]
    shape = height, width, channels
    gflop = gflop_per_image(first, shape, classes)
    gigabytes = {p: gb_per_update(config, shape, classes) for p, config in configs.items()}
    with ExitStack() as stack:
        sides = {"typical": stack.enter_context(Side("typical", first))}
        for precision, config in configs.items():
            sides[precision] = stack.enter_context(Side("gengap", config))
        taken = _take_turns(sides, rounds)
        memory = {name: side.peak_memory() for name, side in sides.items()}
        startup = {name: side.startup for name, side in sides.items()}
    batch = first.method.batch_size
    return [
        {
            "workload": case.workload,
            "method": case.method,
            "batch_size": batch,
            "ghost_size": first.method.ghost_size,
            "precision": p,
            "turns": len(taken[p]),
            "measured": datetime.now(UTC).isoformat(timespec="seconds"),
            "git_commit": machine["git_commit"],
            "torch": machine["versions"]["torch"],
            "gflop_per_image": round(gflop, 5),
            "gb_per_update": round(gigabytes[p], 5),
            # Of adjacent turns of both sides, so that drift affects both
            "ratio": statistics.median(t / g for t, g in zip(taken["typical"], taken[p], strict=True)),
            "matrix_share": gflop * batch / statistics.median(taken[p]) / machine["matrix_gflops"][p],
            "copy_share": gigabytes[p] / statistics.median(taken[p]) / machine["copy_gbs"],
            "seconds_per_epoch": statistics.median(taken[p]) * samples / batch,
            "engine": startup[p].engine,
            **_side("gengap", taken[p], memory[p], startup[p]),
            **_side("typical", taken["typical"], memory["typical"], startup["typical"]),
        }
        for p in case.precisions
    ]


def _take_turns(sides: dict[str, Side], rounds: int) -> dict[str, list[float]]:
    """Seconds per update of every turn, by side; slow cases get fewer turns than `rounds`."""
    updates = {name: max(1, ceil(TURN_SECONDS / side.seconds(1))) for name, side in sides.items()}
    taken: dict[str, list[float]] = {name: [] for name in sides}
    deadline = time.monotonic() + CASE_SECONDS
    while not taken["typical"] or (len(taken["typical"]) < rounds and time.monotonic() < deadline):
        for name, side in sides.items():
            taken[name].append(side.seconds(updates[name]) / updates[name])
            _show(f"{name}: {taken[name][-1]:.4f} s per update")
    _show("")
    return taken


def _show(line: str) -> None:
    if sys.stderr.isatty():  # would garble the table in a log
        print(f"\r{line:40}\r", end="", file=sys.stderr, flush=True)


def _side(name: str, seconds: list[float], memory: float, startup: Startup) -> dict[str, Any]:
    return {
        f"{name}_seconds": statistics.median(seconds),  # per update
        f"{name}_memory": round(memory),  # MiB
        f"{name}_start": round(startup.seconds, 2),  # seconds
        f"{name}_first_update": round(startup.first_update, 2),
    }


def _merged(path: Path, machine: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    document = json.loads(path.read_text()) if path.exists() else {"rows": []}
    new = {_key(row) for row in rows}
    kept = [row for row in document["rows"] if _key(row) not in new]
    return machine | {"rows": sorted(kept + rows, key=_order)}


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["workload"], row["method"], row["precision"]


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["workload"], row["batch_size"], row["method"], row["precision"] == "bf16"
