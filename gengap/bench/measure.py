"""Run the comparison: both sides take turns, and their medians are recorded in files."""

import json
import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gengap.bench.cases import SHAPES, Case
from gengap.bench.document import ROWS, merged, write
from gengap.bench.machine import gb_per_update, gflop_per_image, peak_rates, slow_bf16
from gengap.bench.peers.compare import compare
from gengap.bench.photographs import measure_photographs
from gengap.bench.progress import show, tell
from gengap.bench.sides import Side, Startup
from gengap.bench.turns import NAMES, quartiles, ratios, take_turns
from gengap.config.checks import PRECISIONS
from gengap.config.schema import Runtime
from gengap.errors import UserError
from gengap.faults import naming
from gengap.report.contents import figure as section_of
from gengap.report.contents import targets
from gengap.report.figures.canvas import save
from gengap.report.figures.speed import figure, slug
from gengap.report.hessian import hessian
from gengap.report.markup import Table, markdown
from gengap.report.peers import PEERS, peers_table
from gengap.report.peers import peers as section_of_peers
from gengap.report.photographs import PHOTOGRAPHS, decoding, photographs_table
from gengap.report.section import Section, markdown_section
from gengap.report.speed import table
from gengap.runs.store import write_atomically
from gengap.terminal import say
from gengap.training.device import prepare_device


def measure_all(
    chosen: Sequence[Case], rounds: int, results_dir: Path, finished: Callable[[str], None], peers: str = ""
) -> int:
    """Measure, print and record the cases; earlier records of other cases on this machine are kept.

    bf16 is skipped if the processor has to emulate it.

    Args:
        chosen: cases to measure.
        rounds: number of turns of each side.
        results_dir: results directory; the file is written to its folder `bench`.
        finished: called with the name of each case that has been saved.
        peers: interpreter with other trainers' libraries, to measure those; if empty, the typical loop.

    Raises:
        UserError: only bf16 was requested although it is emulated, this machine's file is damaged, or a
            measured process died.
        OSError: results_dir can't be written to.
    """
    device = prepare_device(Runtime())
    slow = slow_bf16(device)
    if slow:
        chosen = without_bf16(chosen, slow)
    machine = peak_rates(device, ["fp32"] if slow else PRECISIONS)
    folder = results_dir / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{slug(machine['hardware'])}.json"
    merged(path, machine)  # fails early if the file is damaged
    rates = ", ".join(f"{k} {v:,.0f} GFLOP/s" for k, v in machine["matrix_gflops"].items())
    show("")
    say(f"{machine['hardware']['name']}: {rates}, copy {machine['copy_gbs']:.0f} GB/s")
    for number, case in enumerate(chosen, 1):
        title = f"gengap bench: {number} of {len(chosen)}, {case}"
        kind, rows, shown = _measured(case, rounds, machine, title, peers)
        write(path, merged(path, machine, kind, rows))
        finished(str(case))
        print(markdown(shown), flush=True)
        if any(row.get(share, 0) > 1 for row in rows for share in ("matrix_share", "copy_share")):
            tell("gengap bench: shares above 100 % are left blank: a cache, or a machine that was busy")
    write_page(json.loads(path.read_text()), folder)
    say(f"{path}: written, with a table (.md) and a figure (.svg, .pdf, .png)")
    return 0


def _measured(
    case: Case, rounds: int, machine: dict[str, Any], title: str, peers: str
) -> tuple[str, list[dict[str, Any]], Table]:
    """Measure a case; return the key for its rows in the document, the rows, and their table."""
    if peers:
        rows = compare(case, rounds, machine, title, peers)
        return PEERS, rows, peers_table(rows)
    if case.files is not None:
        rows = [measure_photographs(case, rounds, machine, title)]
        return PHOTOGRAPHS, rows, photographs_table(rows)
    rows = measure(case, rounds, machine, title)
    return ROWS, rows, table(rows, machine["hardware"]["device"])


def without_bf16(chosen: Sequence[Case], reason: str) -> list[Case]:
    """Remove bf16 from the cases, telling the user why if it was requested.

    Raises:
        UserError: nothing else was requested.
    """
    left = [replace(c, precisions=tuple(p for p in c.precisions if p != "bf16")) for c in chosen]
    if not all(case.precisions for case in left):
        raise UserError(f"precision=bf16 is not measured: {reason}; use precision=fp32")
    if left != list(chosen):
        tell(f"gengap bench: bf16 is left out: {reason}")
    return left


def write_page(document: dict[str, Any], folder: Path) -> None:
    """Write a machine's measurements in readable form: their table, the targets, and a figure."""
    shown = figure(document)
    with naming(folder):
        save(shown, folder)
    whole = section_of(shown)
    trained = whole.blocks if document["rows"] else ()
    others = (*section_of_peers(document), *decoding(document), *hessian(document))
    page = Section(whole.heading, (*trained, *others, targets([document])))
    write_atomically(folder / f"{shown.name}.md", markdown_section(page).encode())


def measure(case: Case, rounds: int, machine: dict[str, Any], title: str) -> list[dict[str, Any]]:
    """Measure one row per precision, with medians of gengap and the typical loop over `rounds` turns each.

    Progress lines start with `title`.
    """
    configs = {p: case.config(p) for p in case.precisions}
    first = next(iter(configs.values()))
    samples, height, width, channels, classes = SHAPES[first.data.name]
    shape = height, width, channels
    gflop = gflop_per_image(first, shape, classes)
    gigabytes = {p: gb_per_update(config, shape, classes) for p, config in configs.items()}
    with ExitStack() as stack:
        sides = {"typical": Side("typical", first)}
        sides |= {p: Side("gengap", config) for p, config in configs.items()}
        for name, side in sides.items():
            show(f"{title}: starting {NAMES[name]}")
            stack.enter_context(side)
        taken = take_turns(sides, rounds, title)
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
            **ratios(taken["typical"], taken[p]),
            "matrix_share": gflop * batch / statistics.median(taken[p]) / machine["matrix_gflops"][p],
            "copy_share": gigabytes[p] / statistics.median(taken[p]) / machine["copy_gbs"],
            "seconds_per_epoch": statistics.median(taken[p]) * samples / batch,
            "engine": startup[p].engine,
            **_side("gengap", taken[p], memory[p], startup[p]),
            **_side("typical", taken["typical"], memory["typical"], startup["typical"]),
        }
        for p in case.precisions
    ]


def _side(name: str, seconds: list[float], memory: float, startup: Startup) -> dict[str, Any]:
    low, middle, high = quartiles(seconds)
    return {
        f"{name}_seconds": middle,  # per update
        f"{name}_seconds_low": low,  # quartiles over the turns
        f"{name}_seconds_high": high,
        f"{name}_memory": round(memory),  # MiB
        f"{name}_start": round(startup.seconds, 2),  # seconds
        f"{name}_first_update": round(startup.first_update, 2),
    }
