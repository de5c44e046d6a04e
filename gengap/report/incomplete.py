"""Finished runs whose metrics are missing or cut short: their curves would mislead."""

from pathlib import Path

from pandas import DataFrame

from gengap.errors import UnreadableError
from gengap.runs import Status
from gengap.runs.record import METRICS, damaged, metric_rows


def without_incomplete(runs: DataFrame) -> tuple[DataFrame, list[UnreadableError]]:
    """Leave out the finished runs whose metrics do not reach the last update; say what is wrong with each."""
    errors, dropped = [], []
    for index, run in runs[runs["status"] == Status.FINISHED].iterrows():
        directory = Path(run["directory"])
        reason = _missing(directory, int(run["updates"]))
        if reason:
            dropped.append(index)
            errors.append(UnreadableError(directory / METRICS, damaged(reason)))
    return runs.drop(index=dropped).reset_index(drop=True), errors


def _missing(directory: Path, updates: int) -> str:
    """What the metrics lack; empty if they reach this update."""
    last = max((int(row["update"]) for row in metric_rows(directory) if "update" in row), default=None)
    if last is None:
        return "it is missing or empty"
    return f"it ends at update {last} of {updates}" if last < updates else ""
