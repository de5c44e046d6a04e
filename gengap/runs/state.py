"""Determine how far a run is from its record, metrics, checkpoint, lock and claim."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gengap.errors import UnreadableError
from gengap.runs.claim import is_claimed
from gengap.runs.lock import is_locked
from gengap.runs.record import read_run
from gengap.runs.saved import saved_updates
from gengap.runs.schema import Status

STATES = ("finished", "training", "interrupted", "diverged", "failed", "unreadable", "missing")


@dataclass(frozen=True)
class RunState:
    """The state of one run.

    name: one of STATES; an unfinished run is training while its lock or claim is held, otherwise interrupted.
    record: run.json; empty if missing or unreadable. done: number of updates; for an interrupted run, those
    in the checkpoint it resumes from. left: estimated seconds left for an unfinished run. reason: why it is
    unreadable, failed or diverged.
    """

    name: str
    record: dict[str, Any]
    done: int = 0
    left: float | None = None
    reason: str = ""

    @property
    def updates(self) -> int:
        """Total number of updates in the run; 0 if not recorded."""
        return int(self.record.get("regime", {}).get("updates", 0))

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to train."""
        return self.name in (Status.FINISHED, Status.DIVERGED)

    @property
    def accuracy(self) -> float | None:
        """Final validation accuracy of a finished run, in percent; None for any other."""
        return self.record.get("summary", {}).get("last_val_accuracy") if self.name == "finished" else None


def run_state(directory: Path) -> RunState:
    """Determine the state of the run in this directory; damage is reported as a state, not raised."""
    try:
        found = read_run(directory)
        saved = saved_updates(directory)
    except UnreadableError as error:
        return RunState("unreadable", {}, reason=str(error))
    if found is None:
        return RunState("missing", {})
    record, rows = found
    done, seconds = (int(rows[-1]["update"]), float(rows[-1]["seconds"])) if rows else (0, 0.0)
    if record["status"] != Status.RUNNING:
        return RunState(str(record["status"]), record, done, reason=str(record.get("error", "")))
    per_update = seconds / done if done else None
    is_training = is_locked(directory) or is_claimed(directory)
    if saved is not None:
        done = max(done, saved) if is_training else saved  # rows after the checkpoint will be trained again
    left = None if per_update is None else per_update * (record["regime"]["updates"] - done)
    return RunState("training" if is_training else "interrupted", record, done, left)
