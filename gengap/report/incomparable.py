"""Finished runs on other data, or of another network, than most of their kind: they would distort a mean."""

from collections.abc import Collection

from pandas import DataFrame

from gengap.runs import Status
from gengap.runs.comparable import DIFFERS, usual


def mark_incomparable(runs: DataFrame, cells: Collection[str]) -> DataFrame:
    """Set the status of the finished runs whose data, or network's source, is not that of most of their kind.

    It is in DIFFERS, instead of `finished`, so that no mean takes them.

    A kind is all cells of a workload, which are compared with each other; outside the cells, the runs that
    differ only in the seed. Runs without a fingerprint, as older versions recorded them, count as the same;
    networks of gengap's own have none.

    Args:
        runs: all runs of a results directory.
        cells: the run names of the cells.
    """
    marked = runs.copy()
    for column, status in DIFFERS.items():
        known = marked[(marked["status"] == Status.FINISHED) & marked[column].notna()]
        kind = known["workload"].where(known["run"].isin(cells), known["run"])
        for _, together in known.groupby(kind):
            others = together[column] != usual(list(together[column]))
            marked.loc[together.index[others], "status"] = status
    return marked
