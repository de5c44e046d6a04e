"""Finished runs whose metrics are missing or cut short: their curves would mislead."""

from pathlib import Path

from pandas import DataFrame

from gengap.errors import UnreadableError
from gengap.runs import Status
from gengap.runs.state import check_complete


def without_incomplete(runs: DataFrame) -> tuple[DataFrame, list[UnreadableError]]:
    """Leave out the finished runs whose metrics do not reach the last update; say what is wrong with each."""
    errors, dropped = [], []
    for index, run in runs[runs["status"] == Status.FINISHED].iterrows():
        try:
            check_complete(Path(run["directory"]), int(run["updates"]))
        except UnreadableError as error:
            dropped.append(index)
            errors.append(error)
    return runs.drop(index=dropped).reset_index(drop=True), errors
