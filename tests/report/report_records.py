"""A results directory written by hand, in the record format of gengap.runs.store."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gengap.config.compose import compose_config
from gengap.config.identity import as_dict, run_name
from gengap.config.shipped import Cell, cell
from gengap.runs.together import summary_of
from tests.records import fitted, row

CPU = {"device": "cpu", "name": "AMD EPYC 7B13", "threads": 2}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@cache
def _cell(experiment: str) -> Cell:
    return cell(experiment)


@cache
def _config(experiment: str) -> dict[str, Any]:
    return as_dict(compose_config([f"+experiment={experiment}"]))


def _stub(found: Cell) -> dict[str, Any]:
    return {
        "workload": {"name": found.workload, "epochs": 50},
        "method": {"name": found.method, "batch_size": 128 if found.method == "sb" else 4096},
        "protocol": {"name": "paper"},
        "precision": "fp32",
    }


def walk(
    until: int, distance: Callable[[int], float], clipped_until: int = 0, rows: int = 40
) -> list[dict[str, Any]]:
    """Rows recorded evenly in log t; every row up to `clipped_until` has clipped updates."""
    updates = sorted({round(t) for t in np.geomspace(1, until, rows)})
    return [
        {
            "update": t,
            "epoch": t / 10,
            "lr": 0.1,
            "distance": distance(t),
            "tensor_distances": [distance(t)],
            "gradient_norm": 1.0,
            "clipped": 0.5 if t <= clipped_until else 0.0,
            "seconds": t / 1000,
        }
        for t in updates
    ]


@dataclass
class Store:
    """Writes runs below `root`, the results directory."""

    root: Path

    def add(
        self,
        experiment: str | Cell,
        seed: int = 0,
        accuracy: float = 98.0,
        *,
        status: str = "finished",
        run: str = "",
        rows: Iterable[dict[str, Any]] = (),
        milestones: Iterable[int] = (1000,),
        **changes: Any,
    ) -> Path:
        """One run of an experiment, by name or ready-made.

        `run` renames it to a variant's directory; `changes` go into run.json.
        """
        found = _cell(experiment) if isinstance(experiment, str) else experiment
        name = run or found.run
        rows = [row(**r) for r in rows] or [row(2000, distance=3.5)] * (status == "finished")
        updates = max((r["update"] for r in rows), default=2000)
        tensors = max((len(r["tensor_distances"]) for r in rows if "tensor_distances" in r), default=1)
        directory = self.root / "runs" / name / f"seed{seed}"
        directory.mkdir(parents=True)
        record = {
            "format": 1,
            "status": status,
            "workload": found.workload,
            "method": found.method,
            "digest": name.rsplit("-", 1)[1],
            "seed": seed,
            "precision": "fp32",
            "config": dict(_config(found.experiment) if isinstance(experiment, str) else _stub(found)),
            "versions": {"gengap": "0.1.0", "python": "3.11.7", "torch": "2.11.0", "numpy": "2.4.1"},
            "git_commit": COMMIT,
            "hardware": CPU,
            "regime": {"updates": updates, "milestones": list(milestones), "lr": [0.1, 0.01]},
            "tensors": [f"net.{k}.weight" for k in range(tensors)],
            "data": {"train": 60000, "validation": 10000},
            "wall_seconds": 90.0 + seed,
            "measuring_seconds": 0.009 * (90 + seed),
        }
        if status == "finished":
            record["summary"] = {
                "updates": updates,
                "samples_seen": 256000,
                "last_val_accuracy": accuracy,
                "best_val_accuracy": accuracy + 0.25,
                "train_accuracy": 99.5,
                "distance": rows[-1]["distance"],
            } | (summary_of(rows) if "val_error" in rows[-1] else {})
        record |= changes
        record["config"] |= {"seed": seed}
        if status == "finished":
            rows = fitted(record, rows)
        (directory / "run.json").write_text(json.dumps(record))
        lines = [json.dumps(r) + "\n" for r in rows]
        (directory / "metrics.jsonl").write_text("".join(lines))
        return directory

    def add_with(
        self, settings: str, experiment: str, seed: int = 0, accuracy: float = 98.0, **changes: Any
    ) -> Path:
        """One run of an experiment with some keys set: `add_with("precision=bf16", "mnist_sb", 0, 98.2)`."""
        config = compose_config([f"+experiment={experiment}", *settings.split()])
        recorded = {"config": as_dict(config), "precision": config.precision}
        return self.add(experiment, seed, accuracy, run=run_name(config), **recorded, **changes)
