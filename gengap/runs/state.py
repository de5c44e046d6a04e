"""How far a run is, by its record, its metrics, its checkpoint, its lock and its claim."""

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

    name: one of STATES; an unfinished run is training while its lock or claim is held, and interrupted
    otherwise. record: run.json, empty where it is missing or unreadable. done: updates; of an interrupted
    run, those in the checkpoint that it continues from. left: estimated seconds, of an unfinished run.
    reason: why it is unreadable, failed or diverged.
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
    def is_done(self) -> bool:
        """Whether nothing of it is left to train."""
        return self.name in (Status.FINISHED, Status.DIVERGED)

    @property
    def accuracy(self) -> float | None:
        """Last validation accuracy (%) of a finished run."""
        return self.record.get("summary", {}).get("last_val_accuracy") if self.name == "finished" else None


def run_state(directory: Path) -> RunState:
    """The state of the run in this directory; damage is a state and raises nothing."""
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
        done = max(done, saved) if is_training else saved  # rows after the checkpoint are trained again
    left = None if per_update is None else per_update * (record["regime"]["updates"] - done)
    return RunState("training" if is_training else "interrupted", record, done, left)
