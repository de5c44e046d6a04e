"""The run store: a directory a run with run.json and metrics.jsonl; atomic, locked, readable half-written."""

import json
import os
from pathlib import Path
from typing import Any, Self, cast

import pandas as pd
from filelock import FileLock

FORMAT = 1
RECORD, METRICS, LOG, LOCK = "run.json", "metrics.jsonl", "run.log", "run.lock"

COLUMNS = (
    "run", "workload", "method", "digest", "seed", "status", "precision", "protocol", "directory",
    "updates", "samples_seen", "last_val_accuracy", "best_val_accuracy", "train_accuracy", "distance",
    "wall_seconds", "hardware", "git_commit", "torch", "batch_size", "epochs",
)  # fmt: skip


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside `path`, flush to the disk, then rename: readers see the old file or the new one."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


class Run:
    """One run's directory; inside a `with` block only this process writes to it.

    Raises, on entering the block:
        filelock.Timeout: another process is writing to it.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.record: dict[str, Any] = {}
        self._lock = FileLock(directory / LOCK, timeout=0)

    def __enter__(self) -> Self:
        self._lock.acquire()
        self.record = read_record(self.directory) or {}
        return self

    def __exit__(self, *exception: object) -> None:
        self._lock.release()

    def update_record(self, **changes: Any) -> None:
        """Change fields of run.json."""
        self.record |= changes
        text = json.dumps(self.record, indent=1, ensure_ascii=False) + "\n"
        write_atomically(self.directory / RECORD, text.encode())

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Add one line to metrics.jsonl."""
        with (self.directory / METRICS).open("a") as file:
            file.write(json.dumps(row, allow_nan=False) + "\n")

    def evaluations(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl that an evaluation wrote."""
        rows = [json.loads(line) for line in (self.directory / METRICS).read_text().splitlines()]
        return [row for row in rows if "val_error" in row]

    def sync_metrics(self) -> int:
        """Flush metrics.jsonl to the disk; return its length in bytes."""
        with (self.directory / METRICS).open("ab") as file:
            os.fsync(file.fileno())
            return file.tell()

    def truncate_metrics(self, length: int) -> None:
        """Drop everything in metrics.jsonl after the first `length` bytes."""
        with (self.directory / METRICS).open("ab") as file:
            file.truncate(length)


def read_record(directory: Path) -> dict[str, Any] | None:
    """run.json of a run directory, or None where there is none yet."""
    path = directory / RECORD
    if not path.exists():
        return None
    return cast(dict[str, Any], json.loads(path.read_text()))


def read_metrics(directory: Path) -> pd.DataFrame:
    """metrics.jsonl as a table, a column a key; a last line cut off by a kill is left out."""
    path = directory / METRICS
    lines = path.read_text().split("\n") if path.exists() else []
    return pd.DataFrame([json.loads(line) for line in lines[:-1]])


def read_runs(results_dir: str | Path) -> pd.DataFrame:
    """Every run under results_dir/runs, a row each, sorted by run and seed; empty if there is none.

    Columns are COLUMNS; accuracies in percent, times in seconds; values that an unfinished run doesn't
    have yet are missing.
    """
    root = Path(results_dir).expanduser() / "runs"
    rows = [_row(p.parent, json.loads(p.read_text())) for p in sorted(root.glob(f"*/seed*/{RECORD}"))]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.sort_values(["run", "seed"], ignore_index=True)


def _row(directory: Path, record: dict[str, Any]) -> dict[str, Any]:
    config, hardware = record["config"], record["hardware"]
    summary = dict(record.get("summary") or {})
    threads = f", {hardware['threads']} thread{'s' if hardware['threads'] > 1 else ''}"
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
        "hardware": hardware["name"] + (threads if hardware["device"] == "cpu" else ""),
        "git_commit": record["git_commit"],
        "torch": record["versions"]["torch"],
        "batch_size": config["method"]["batch_size"],
        "epochs": config["workload"]["epochs"],
    }
