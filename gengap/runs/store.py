"""A run's directory during training: locked, claimed, and crash-safe writes of run.json and metrics.jsonl."""

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
    """Write to a temporary file, sync it and rename it, so that readers see the old file or the new one.

    Raises:
        NotAFileError: something else has the name of one of them.
        OSError: as of a full disk.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        check_is_file(path), check_is_file(part)
        with naming(part), part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _rename(part, path)
    except OSError:  # a full disk, which half a file would keep full
        with suppress(OSError):
            part.unlink()
        raise


def _rename(part: Path, path: Path) -> None:
    try:
        part.replace(path)
    except OSError as error:  # of an immutable file, say, which is not the temporary one
        error.filename, error.filename2 = os.fspath(path), None
        raise


class Run:
    """One run's directory; inside a `with` block only this process writes to it.

    A lock keeps out the others on this machine, and on those that see it; the claim keeps out the rest.
    Whatever writes raises MachineError once another machine took the run from a process that stood still.

    Raises, on entering the block:
        filelock.Timeout: another process trains this run.
        UnreadableError: its record is damaged, of a newer version, or of another run, or something that is no
            file has the name of one of its files.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.record: dict[str, Any] = {}
        self.checkpoint: dict[str, Any] | None = None  # that training goes on from, until it does
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
        """The rows of metrics.jsonl that are evaluations."""
        return [row for row in metric_rows(self.directory) if "val_error" in row]

    def metrics_digest(self) -> dict[str, str]:
        """What the record of a run that has ended says of metrics.jsonl."""
        return {METRICS_DIGEST: metrics_digest(file_bytes(self.directory / METRICS) or b"")}

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
