"""The comparison itself: both sides in turns, medians, and the file that they go to."""

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
from gengap.bench.machine import ceilings, gb_per_update, gflop_per_image
from gengap.bench.sides import Side
from gengap.report.figures.canvas import save
from gengap.report.figures.speed import figure, slug
from gengap.report.markup import markdown
from gengap.report.section import Section, markdown_section
from gengap.report.sections import figure as section_of
from gengap.report.sections import targets
from gengap.report.speed import table
from gengap.runs.store import write_atomically

TURN_SECONDS = 2.0
CASE_SECONDS = 75.0  # after which no round begins


def measure_all(chosen: Sequence[Case], rounds: int, results_dir: Path) -> int:
    """Measure the cases, print and write them; those that are there already from this machine stay."""
    machine = ceilings()
    folder = results_dir / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{slug(machine['hardware'])}.json"
    rates = ", ".join(f"{k} {v:,.0f} GFLOP/s" for k, v in machine["matrix_gflops"].items())
    print(f"{machine['hardware']['name']}: {rates}, copy {machine['copy_gbs']:.0f} GB/s", flush=True)
    for case in chosen:
        rows = measure(case, rounds, machine)
        document = _merged(path, machine, rows)
        write_atomically(path, (json.dumps(document, indent=1) + "\n").encode())
        print(markdown(table(rows, machine["hardware"]["device"])), flush=True)
    write_page(json.loads(path.read_text()), folder)
    print(f"{path}: written, with a table (.md) and a figure (.svg, .png) beside it")
    return 0


def write_page(document: dict[str, Any], folder: Path) -> None:
    """The measurements of a machine for reading: tables of them and of the targets, and a figure."""
    shown = figure(document)
    save(shown, folder)
    whole = section_of(shown)
    page = Section(whole.heading, (*whole.blocks, targets([document])))
    (folder / f"{shown.name}.md").write_text(markdown_section(page), encoding="utf-8")


def measure(case: Case, rounds: int, machine: dict[str, Any]) -> list[dict[str, Any]]:
    """One row a precision: gengap's and the typical loop's medians over `rounds` turns each."""
    configs = {p: case.config(p) for p in case.precisions}
    some = next(iter(configs.values()))
    samples, height, width, channels, classes = SHAPES[some.data.name]
    shape = height, width, channels
    gflop = gflop_per_image(some, shape, classes)
    moved = {p: gb_per_update(config, shape, classes) for p, config in configs.items()}
    with ExitStack() as stack:
        sides = {"typical": stack.enter_context(Side("typical", some))}
        for precision, config in configs.items():
            sides[precision] = stack.enter_context(Side("gengap", config))
        taken = _take_turns(sides, rounds)
        memory = {name: side.peak_memory() for name, side in sides.items()}
        warmed = {name: side.warmed for name, side in sides.items()}
    batch = some.method.batch_size
    return [
        {
            "workload": case.workload,
            "method": case.method,
            "batch_size": batch,
            "ghost_size": some.method.ghost_size,
            "precision": p,
            "turns": len(taken[p]),
            "measured": datetime.now(UTC).isoformat(timespec="seconds"),
            "git_commit": machine["git_commit"],
            "torch": machine["versions"]["torch"],
            "gflop_per_image": round(gflop, 5),
            "gb_per_update": round(moved[p], 5),
            # The ratio of every turn beside the turn of the other side: what drifts, drifts for both
            "ratio": statistics.median(t / g for t, g in zip(taken["typical"], taken[p], strict=True)),
            "matrix_share": gflop * batch / statistics.median(taken[p]) / machine["matrix_gflops"][p],
            "copy_share": moved[p] / statistics.median(taken[p]) / machine["copy_gbs"],
            "seconds_per_epoch": statistics.median(taken[p]) * samples / batch,
            "engine": warmed[p].engine,
            **_side("gengap", taken[p], memory[p], warmed[p]),
            **_side("typical", taken["typical"], memory["typical"], warmed["typical"]),
        }
        for p in case.precisions
    ]


def _take_turns(sides: dict[str, Side], rounds: int) -> dict[str, list[float]]:
    """Seconds an update, by side, of every turn; slow cases get fewer turns than `rounds`."""
    updates = {name: max(1, ceil(TURN_SECONDS / side.seconds(1))) for name, side in sides.items()}
    taken: dict[str, list[float]] = {name: [] for name in sides}
    ends = time.monotonic() + CASE_SECONDS
    while not taken["typical"] or (len(taken["typical"]) < rounds and time.monotonic() < ends):
        for name, side in sides.items():
            taken[name].append(side.seconds(updates[name]) / updates[name])
            _show(f"{name}: {taken[name][-1]:.4f} s an update")
    _show("")
    return taken


def _show(line: str) -> None:
    if sys.stderr.isatty():  # in a log it would only break the table
        print(f"\r{line:40}\r", end="", file=sys.stderr, flush=True)


def _side(name: str, taken: list[float], memory: float, warmed: Any) -> dict[str, Any]:
    return {
        f"{name}_seconds": statistics.median(taken),  # an update
        f"{name}_memory": round(memory),  # MiB
        f"{name}_start": round(warmed.start, 2),  # seconds
        f"{name}_first_update": round(warmed.first_update, 2),
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
