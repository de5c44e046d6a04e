"""Records in a results directory as tables: one row per run, and the metrics of a run."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gengap.errors import UnreadableError
from gengap.paths import expanded
from gengap.runs.comparable import fingerprints
from gengap.runs.folders import run_directories
from gengap.runs.parts import joined, parts
from gengap.runs.provenance import hardware_name
from gengap.runs.record import metric_rows, read_run
from gengap.runs.schema import Status

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

TOP5 = "last_val_top5_accuracy"  # only for image files
COLUMNS = (
    "run", "workload", "method", "digest", "seed", "status", "precision", "protocol", "directory",
    "updates", "samples_seen", "last_val_accuracy", "best_val_accuracy", "train_accuracy", "distance",
    "wall_seconds", "measuring_seconds", "hardware", "git_commit", "torch", "batch_size", "epochs",
    "validation", "data", "network", TOP5, "clipped", "parts",
)  # fmt: skip
_SUMMARY = COLUMNS[COLUMNS.index("updates") : COLUMNS.index("wall_seconds")]


def read_metrics(directory: Path) -> "pd.DataFrame":
    """Read metrics.jsonl with one column per key, ignoring a last line that was cut off by a kill.

    Raises:
        UnreadableError: a line is damaged.
    """
    import pandas as pd  # imported here, to save gengap status half a second

    return pd.DataFrame(metric_rows(directory))


@dataclass(frozen=True)
class Store:
    """Records in a results directory: a row of `runs` for each readable run, and an error for every other."""

    runs: "pd.DataFrame"
    unreadable: tuple[UnreadableError, ...]


def read_store(results_dir: str | Path) -> Store:
    """Read every run under results_dir/runs, with the columns of `read_runs`."""
    import pandas as pd

    rows = []
    directories, unreadable = run_directories(expanded(results_dir))
    for directory in directories:
        try:
            if found := read_run(directory):
                rows.append(_columns(directory, *found))
        except UnreadableError as error:
            unreadable.append(error)
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return Store(frame.sort_values(["run", "seed"], ignore_index=True), tuple(unreadable))


def read_runs(results_dir: str | Path) -> "pd.DataFrame":
    """Read all runs under results_dir/runs, one per row, sorted by run and seed; empty if there are none.

    The columns are COLUMNS, with accuracies in percent and times in seconds; values that an unfinished run
    does not have yet are missing. Unreadable records are left out, each with a warning.
    """
    store = read_store(results_dir)
    for error in store.unreadable:
        log.warning("left out: %s", error)
    return store.runs


def _columns(directory: Path, record: dict[str, Any], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    config, of_parts = record["config"], parts(record)
    summary = {k: record["summary"][k] for k in _SUMMARY} if record["status"] == Status.FINISHED else {}
    return summary | {
        "run": directory.parent.name,
        "workload": record["workload"],
        "method": record["method"],
        "digest": record["digest"],
        "seed": record["seed"],
        "status": record["status"],
        "precision": config["precision"],
        "protocol": config["protocol"]["name"],
        "directory": str(directory),
        "wall_seconds": record.get("wall_seconds"),
        "measuring_seconds": record.get("measuring_seconds"),  # part of wall_seconds; missing in old records
        "hardware": joined(hardware_name(part["hardware"]) for part in of_parts),
        "git_commit": joined(part["git_commit"] for part in of_parts),
        "torch": joined(part["versions"]["torch"] for part in of_parts),
        "parts": len(of_parts),
        "batch_size": config["method"]["batch_size"],
        "epochs": config["workload"]["epochs"],
        "validation": record["data"]["validation"],  # number of samples
        TOP5: (record.get("summary") or {}).get(TOP5),
        "clipped": _clipped(rows) if summary else None,
        **fingerprints(record),
    }


def _clipped(rows: Sequence[dict[str, Any]]) -> float:
    """Fraction of updates whose gradient was clipped; each row has that of the updates since the last row."""
    updates = [0, *(row["update"] for row in rows)]
    counts = (row["clipped"] * (b - a) for row, a, b in zip(rows, updates, updates[1:], strict=False))
    return float(sum(counts) / updates[-1])
