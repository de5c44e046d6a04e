"""A run's directory during training: lock, claim, and crash-safe writes of run.json and metrics.jsonl."""

import os
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

from gengap.faults import check_is_file, naming
from gengap.runs.claim import PREFIX, Claim
from gengap.runs.lock import Lock
from gengap.runs.record import FILES, LOCK, METRICS, RECORD, file_bytes, metric_rows, own_record
from gengap.runs.saved_metrics import fingerprint
from gengap.runs.schema import METRICS_DIGEST
from gengap.runs.strict_json import written
from gengap.runs.together import metrics_digest


def write_atomically(path: Path, data: bytes) -> None:
    """Write to a temporary file, sync and rename it, so that readers see either the old or the new file.

    Raises:
        NotAFileError: something that is not a regular file has the name of either file.
        OSError: writing fails, for example because the disk is full.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        check_is_file(path), check_is_file(part)
        with naming(part), part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _rename(part, path)
    except OSError:  # a full disk, which a partial file would keep full
        with suppress(OSError):
            part.unlink()
        raise


def _rename(part: Path, path: Path) -> None:
    try:
        part.replace(path)
    except OSError as error:  # caused, for example, by an immutable target, so name that one
        error.filename, error.filename2 = os.fspath(path), None
        raise


class Run:
    """A run's directory, to which only this process writes inside a `with` block.

    A lock keeps out other processes on this machine, and on machines that see the lock; the claim keeps out
    the rest. All methods that write raise MachineError once another machine has taken the run from a process
    that stood still.

    Raises, on entering the block:
        filelock.Timeout: another process is training this run.
        UnreadableError: its record is damaged, was written by a newer version or belongs to another run, or
            something that is not a regular file has the name of one of its files.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.record: dict[str, Any] = {}
        self.checkpoint: dict[str, Any] | None = None  # to resume training from; None once it has resumed
        self._lock, self._claim = Lock(directory / LOCK), Claim(directory)

    def __enter__(self) -> Self:
        for path in self.directory.iterdir():
            if path.name in FILES or path.name.startswith(PREFIX):
                check_is_file(path)
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
        """Read the rows of metrics.jsonl that are evaluations."""
        return [row for row in metric_rows(self.directory) if "val_error" in row]

    def metrics_digest(self) -> dict[str, str]:
        """Entry for the record of a run that has ended, which identifies its metrics.jsonl."""
        return {METRICS_DIGEST: metrics_digest(file_bytes(self.directory / METRICS) or b"")}

    def sync_metrics(self) -> dict[str, Any]:
        """Sync metrics.jsonl to disk; return the entries about it for a checkpoint saved now."""
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
