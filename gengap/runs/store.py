"""A run's directory during training: locked, with crash-safe writes of run.json and metrics.jsonl."""

import json
import os
from pathlib import Path
from typing import Any, Self

from filelock import FileLock

from gengap.errors import UnreadableError
from gengap.runs.record import LOCK, METRICS, RECORD, metric_rows, read_record


def write_atomically(path: Path, data: bytes) -> None:
    """Write to a temporary file, sync it and rename it, so that readers see the old file or the new one."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:  # a full disk, which half a file would keep full
        part.unlink(missing_ok=True)
        raise


class Run:
    """One run's directory; inside a `with` block only this process writes to it.

    Raises, on entering the block:
        filelock.Timeout: another process trains this run.
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

    @property
    def name(self) -> str:
        """`<workload>-<method>-<digest>`, as given by config.identity.run_name."""
        return self.directory.parent.name

    def update_record(self, **changes: Any) -> None:
        """Set fields of run.json."""
        self.record |= changes
        text = json.dumps(self.record, indent=1, ensure_ascii=False) + "\n"
        write_atomically(self.directory / RECORD, text.encode())

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Append a row to metrics.jsonl.

        Raises:
            ValueError: a value is nan or inf.
        """
        with (self.directory / METRICS).open("a") as file:
            file.write(json.dumps(row, allow_nan=False) + "\n")

    def evaluations(self) -> list[dict[str, Any]]:
        """The rows of metrics.jsonl that are evaluations."""
        return [row for row in metric_rows(self.directory) if "val_error" in row]

    def sync_metrics(self) -> int:
        """Sync metrics.jsonl to disk; return its length in bytes."""
        with (self.directory / METRICS).open("ab") as file:
            os.fsync(file.fileno())
            return file.tell()

    def truncate_metrics(self, length: int) -> None:
        """Truncate metrics.jsonl to its first `length` bytes."""
        with (self.directory / METRICS).open("ab") as file:
            file.truncate(length)
