"""A run's directory during training: locked, claimed, and crash-safe writes of run.json and metrics.jsonl."""

import os
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

from gengap.faults import naming
from gengap.runs.claim import Claim
from gengap.runs.lock import Lock
from gengap.runs.record import LOCK, METRICS, RECORD, metric_rows, own_record
from gengap.runs.saved_metrics import fingerprint
from gengap.runs.strict_json import written


def write_atomically(path: Path, data: bytes) -> None:
    """Write to a temporary file, sync it and rename it, so that readers see the old file or the new one."""
    part = path.with_name(f"{path.name}.part")
    try:
        with naming(part), part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:  # a full disk, which half a file would keep full
        with suppress(OSError):
            part.unlink()
        raise


class Run:
    """One run's directory; inside a `with` block only this process writes to it.

    A lock keeps out the others on this machine, and on those that see it; the claim keeps out the rest.
    Whatever writes raises MachineError once another machine took the run from a process that stood still.

    Raises, on entering the block:
        filelock.Timeout: another process trains this run.
        UnreadableError: its record is damaged, of a newer version, or of another run.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.record: dict[str, Any] = {}
        self._lock, self._claim = Lock(directory / LOCK), Claim(directory)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._lock)
            stack.enter_context(self._claim)
            self.record = own_record(self.directory) or {}
            self._close = stack.pop_all().close
        return self

    def __exit__(self, *exception: object) -> None:
        self._close()

    @property
    def name(self) -> str:
        """`<workload>-<method>-<digest>`, as given by config.identity.run_name."""
        return self.directory.parent.name

    def update_record(self, **changes: Any) -> None:
        """Set fields of run.json.

        Raises:
            ValueError: a value is nan or inf.
        """
        text = written(self.record | changes, indent=1) + "\n"
        self._claim.check()
        write_atomically(self.directory / RECORD, text.encode())
        self.record |= changes

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Append a row to metrics.jsonl.

        Raises:
            ValueError: a value is nan or inf.
        """
        path = self.directory / METRICS
        self._claim.check()
        with naming(path), path.open("a", encoding="utf-8") as file:
            file.write(written(row) + "\n")

    def evaluations(self) -> list[dict[str, Any]]:
        """The rows of metrics.jsonl that are evaluations."""
        return [row for row in metric_rows(self.directory) if "val_error" in row]

    def sync_metrics(self) -> dict[str, Any]:
        """Sync metrics.jsonl to disk; return what a checkpoint saved now must know of it."""
        path = self.directory / METRICS
        self._claim.check()
        with naming(path), path.open("a+b") as file:
            os.fsync(file.fileno())
            file.seek(0)
            return fingerprint(file.read())

    def truncate_metrics(self, length: int) -> None:
        """Truncate metrics.jsonl to its first `length` bytes."""
        path = self.directory / METRICS
        self._claim.check()
        with naming(path), path.open("ab") as file:
            file.truncate(length)
