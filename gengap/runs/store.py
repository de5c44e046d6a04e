"""The run store: a directory a run with run.json and metrics.jsonl; atomic, locked, readable half-written."""

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from filelock import FileLock

from gengap.errors import UnreadableError

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

FORMAT = 1
RECORD, METRICS, LOG, LOCK = "run.json", "metrics.jsonl", "run.log", "run.lock"

COLUMNS = (
    "run", "workload", "method", "digest", "seed", "status", "precision", "protocol", "directory",
    "updates", "samples_seen", "last_val_accuracy", "best_val_accuracy", "train_accuracy", "distance",
    "wall_seconds", "measuring_seconds", "hardware", "git_commit", "torch", "batch_size", "epochs",
    "validation",
)  # fmt: skip
_SUMMARY = COLUMNS[COLUMNS.index("updates") : COLUMNS.index("wall_seconds")]


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside `path`, flush to the disk, then rename: readers see the old file or the new one."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:  # a full disk; half a file would keep it so
        part.unlink(missing_ok=True)
        raise


class Run:
    """One run's directory; inside a `with` block only this process writes to it.

    Raises, on entering the block:
        filelock.Timeout: another process is writing to it.
        UnreadableError: its record is damaged, or of a newer version.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.record: dict[str, Any] = {}
        self._lock = FileLock(directory / LOCK, timeout=0)

    def __enter__(self) -> Self:
        self._lock.acquire()
        try:
            self.record = read_record(self.directory) or {}
        except UnreadableError:
            self._lock.release()
            raise
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
        return [row for row in _metric_rows(self.directory) if "val_error" in row]

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
    """run.json of a run directory, or None where there is none yet.

    Raises:
        UnreadableError: it is damaged, or of a newer version.
    """
    file = directory / RECORD
    if not file.exists():
        return None
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableError(file, f"can't be read: {error.strerror}") from error
    except ValueError as error:
        raise UnreadableError(file, _damaged(str(error))) from error
    if not isinstance(record, dict) or not isinstance(record.get("format"), int):
        raise UnreadableError(file, _damaged("it holds no record"))
    if record["format"] > FORMAT:
        raise UnreadableError(
            file,
            f"was written by a newer gengap (record format {record['format']}, this one reads {FORMAT}): "
            "update gengap, or name another results_dir=DIR",
        )
    return record


def read_metrics(directory: Path) -> "pd.DataFrame":
    """metrics.jsonl as a table, a column a key; a last line cut off by a kill is left out.

    Raises:
        UnreadableError: a line is damaged.
    """
    import pandas as pd  # half a second, that gengap status can do without

    return pd.DataFrame(_metric_rows(directory))


def _metric_rows(directory: Path) -> list[dict[str, Any]]:
    file, rows = directory / METRICS, []
    lines = file.read_bytes().split(b"\n") if file.exists() else []
    for number, line in enumerate(lines[:-1], 1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise UnreadableError(file, _damaged(f"in line {number}"))
        rows.append(row)
    return rows


def _damaged(where: str) -> str:
    return f"is damaged ({where}): restore it, or remove its folder to train the run again"


@dataclass(frozen=True)
class Store:
    """A row of `runs` for each run that can be read, and why the others can't."""

    runs: "pd.DataFrame"
    unreadable: tuple[UnreadableError, ...]


def read_store(results_dir: str | Path) -> Store:
    """Read every run under results_dir/runs; the rows are those of `read_runs`."""
    import pandas as pd

    root = Path(results_dir).expanduser() / "runs"
    rows, unreadable = [], []
    for file in sorted(root.glob(f"*/seed*/{RECORD}")):
        try:
            _metric_rows(file.parent)
            rows.append(_row(file.parent))
        except UnreadableError as error:
            unreadable.append(error)
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return Store(frame.sort_values(["run", "seed"], ignore_index=True), tuple(unreadable))


def read_runs(results_dir: str | Path) -> "pd.DataFrame":
    """Every run under results_dir/runs, a row each, sorted by run and seed; empty if there is none.

    Columns are COLUMNS; accuracies in percent, times in seconds; values that an unfinished run doesn't
    have yet are missing. Records that can't be read are left out, with a warning each.
    """
    store = read_store(results_dir)
    for error in store.unreadable:
        log.warning("left out: %s", error)
    return store.runs


def _row(directory: Path) -> dict[str, Any]:
    record = read_record(directory) or {}
    try:
        return _columns(directory, record)
    except (KeyError, TypeError, AttributeError) as error:
        raise UnreadableError(directory / RECORD, _damaged(f"it lacks {error}")) from error


def _columns(directory: Path, record: dict[str, Any]) -> dict[str, Any]:
    config, hardware = record["config"], record["hardware"]
    summary = {k: record["summary"][k] for k in _SUMMARY} if record["status"] == "finished" else {}
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
        "measuring_seconds": record.get("measuring_seconds"),  # of it; not counted in older records
        "hardware": hardware["name"] + (threads if hardware["device"] == "cpu" else ""),
        "git_commit": record["git_commit"],
        "torch": record["versions"]["torch"],
        "batch_size": config["method"]["batch_size"],
        "epochs": config["workload"]["epochs"],
        "validation": record.get("data", {}).get("validation"),  # samples
    }
