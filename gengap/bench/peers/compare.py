"""Compare gengap with other trainers, taking turns on the same network, batch, images and machine."""

import statistics
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from gengap.bench.cases import Case
from gengap.bench.peers import PEERS
from gengap.bench.progress import show
from gengap.bench.sides import Side
from gengap.bench.turns import ratios, take_turns

TYPICAL = "typical"


def compare(
    case: Case, rounds: int, machine: dict[str, Any], title: str, python: str
) -> list[dict[str, Any]]:
    """Measure a row per trainer and precision: its median over `rounds` turns, and gengap's likewise.

    Args:
        case: case to train.
        rounds: number of turns of each side.
        machine: description of the machine, as returned by `machine.peak_rates`.
        title: start of the lines that show progress.
        python: interpreter that has the other trainers' libraries.

    Raises:
        UserError: a measured process died.
    """
    on_cpu = machine["hardware"]["device"] == "cpu"
    configs = {p: case.config(p) for p in case.precisions}
    sides = {("gengap", p): Side("gengap", config) for p, config in configs.items()}
    if "fp32" in configs:
        sides[TYPICAL, "fp32"] = Side(TYPICAL, configs["fp32"])
    for name, peer in PEERS.items():
        for p in peer.precisions(case.precisions, on_cpu=on_cpu):
            sides[name, p] = Side(name, configs[p], python)
    with ExitStack() as stack:
        for (name, p), side in sides.items():
            show(f"{title}: starting {name} in {p}")
            stack.enter_context(side)
        found = take_turns({f"{name} in {p}": side for (name, p), side in sides.items()}, rounds, title)
        memory = {key: side.peak_memory() for key, side in sides.items()}
    taken = dict(zip(sides, found.values(), strict=True))
    method = configs[case.precisions[0]].method
    return [
        {
            "workload": case.workload,
            "method": case.method,
            "batch_size": method.batch_size,
            "ghost_size": method.ghost_size,
            "precision": p,
            "trainer": name,
            "versions": side.startup.versions or machine["versions"],
            "gengap_versions": machine["versions"],
            "turns": rounds,
            "measured": datetime.now(UTC).isoformat(timespec="seconds"),
            "git_commit": machine["git_commit"],
            **ratios(taken[name, p], taken["gengap", p]),
            "seconds": statistics.median(taken[name, p]),  # per update
            "gengap_seconds": statistics.median(taken["gengap", p]),
            "memory": round(memory[name, p]),  # MiB
            "gengap_memory": round(memory["gengap", p]),
        }
        for (name, p), side in sides.items()
        if name != "gengap"
    ]
