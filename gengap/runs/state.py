"""How far a run is, by its record, the end of its metrics, its checkpoint and its lock."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from gengap.errors import UnreadableError
from gengap.runs.record import LOCK, METRICS, Status, damaged, read_record
from gengap.runs.saved import saved_updates

STATES = ("finished", "training", "interrupted", "diverged", "failed", "unreadable", "missing")
_TAIL = 1 << 16  # bytes; longer than any row


@dataclass(frozen=True)
class RunState:
    """The state of one run.

    name: one of STATES; an unfinished run is training while its lock is held, and interrupted otherwise.
    record: run.json, empty where it is missing or unreadable. done: updates; of an interrupted run, those in
    the checkpoint that it continues from. left: estimated seconds, of an unfinished run. reason: why it is
    unreadable, failed or diverged.
    """

    name: str
    record: dict[str, Any]
    done: int = 0
    left: float | None = None
    reason: str = ""

    @property
    def updates(self) -> int:
        """Updates of the whole run, 0 where that is not recorded."""
        return int(self.record.get("regime", {}).get("updates", 0))

    @property
    def accuracy(self) -> float | None:
        """Last validation accuracy (%) of a finished run."""
        return self.record.get("summary", {}).get("last_val_accuracy") if self.name == "finished" else None


def run_state(directory: Path) -> RunState:
    """The state of the run in this directory; damage is a state and raises nothing."""
    try:
        record = read_record(directory)
        if record is None:
            return RunState("missing", {})
        row = last_row(directory)
        if record.get("status") == Status.FINISHED:
            check_complete(directory, record.get("regime", {}).get("updates"))
    except UnreadableError as error:
        return RunState("unreadable", {}, reason=str(error))
    status = record.get("status")
    if status not in tuple(Status):
        return RunState("unreadable", {}, reason=f"{directory}: run.json has no known status")
    done, seconds = (int(row["update"]), float(row["seconds"])) if row else (0, 0.0)
    if status != Status.RUNNING:
        return RunState(str(status), record, done, reason=str(record.get("error", "")))
    per_update = seconds / done if done else None
    saved, is_training = saved_updates(directory), _is_locked(directory)
    if saved is not None:
        done = max(done, saved) if is_training else saved  # rows after the checkpoint are trained again
    updates = int(record.get("regime", {}).get("updates", 0))
    left = None if per_update is None else per_update * (updates - done)
    return RunState("training" if is_training else "interrupted", record, done, left)


def last_row(directory: Path) -> dict[str, Any] | None:
    """The last whole row of metrics.jsonl, None where there is none.

    Raises:
        UnreadableError: it is damaged.
    """
    file = directory / METRICS
    if not file.exists():
        return None
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - _TAIL))
        lines = stream.read().split(b"\n")[:-1]  # what follows the last newline was cut off by a kill
    if not lines:
        return None
    try:
        row: dict[str, Any] = json.loads(lines[-1])
        return row | {"update": int(row["update"]), "seconds": float(row.get("seconds", 0))}
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableError(file, damaged("in its last line")) from error


def check_complete(directory: Path, updates: int | None) -> None:
    """Check that the metrics of a finished run reach its last update, where that is known.

    Raises:
        UnreadableError: they are missing, damaged or cut short.
    """
    row = last_row(directory)
    if row is None:
        raise UnreadableError(directory / METRICS, damaged("it is missing or empty"))
    if updates is not None and row["update"] != updates:
        raise UnreadableError(directory / METRICS, damaged(f"it ends at update {row['update']} of {updates}"))


def _is_locked(directory: Path) -> bool:
    try:
        with FileLock(directory / LOCK, timeout=0):
            return False
    except Timeout:
        return True
