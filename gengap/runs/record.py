"""The files of a run's directory, and reading them even if cut off, damaged or written by a newer version."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Any

from gengap.errors import UnreadableError

FORMAT = 1
RECORD, METRICS, LOG, LOCK, WEIGHTS = "run.json", "metrics.jsonl", "run.log", "run.lock", "weights.pt"
NEWEST, PREVIOUS = "checkpoint.pt", "checkpoint.previous.pt"


class Status(StrEnum):
    """The `status` of a record; that of an interrupted run is still `running`."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    DIVERGED = "diverged"


def read_record(directory: Path) -> dict[str, Any] | None:
    """The contents of a run directory's run.json, or None if it does not exist.

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
        raise UnreadableError(file, damaged(str(error))) from error
    if not isinstance(record, dict) or not isinstance(record.get("format"), int):
        raise UnreadableError(file, damaged("it is not a record"))
    if record["format"] > FORMAT:
        raise UnreadableError(
            file,
            f"was written by a newer gengap (record format {record['format']}, this one reads {FORMAT}): "
            "update gengap, or set another results_dir=DIR",
        )
    return record


def metric_rows(directory: Path) -> list[dict[str, Any]]:
    """The rows of metrics.jsonl; a last line cut off by a kill is ignored.

    Raises:
        UnreadableError: a line is damaged.
    """
    file, rows = directory / METRICS, []
    lines = file.read_bytes().split(b"\n") if file.exists() else []
    for number, line in enumerate(lines[:-1], 1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise UnreadableError(file, damaged(f"in line {number}"))
        rows.append(row)
    return rows


def damaged(where: str) -> str:
    """The reason for an UnreadableError about a damaged file."""
    return f"is damaged ({where}): restore it, or remove its folder to train the run again"
