"""Finished runs on other data, or of another network, than most of their kind: they would distort a mean."""

from collections import Counter
from collections.abc import Collection

from pandas import DataFrame

from gengap.runs import Status

# Instead of `finished`, so that no mean takes them, by the column with what differs
OTHER_DATA, OTHER_NETWORK = "on other data", "of another network"
STATUS_BY_COLUMN = {"data": OTHER_DATA, "network": OTHER_NETWORK}


def mark_incomparable(runs: DataFrame, cells: Collection[str]) -> DataFrame:
    """Set the status of the finished runs whose data, or network's source, is not that of most of their kind.

    A kind is all cells of a workload, which are compared with each other; outside the cells, the runs that
    differ only in the seed. Runs without a fingerprint, as older versions recorded them, count as the same;
    networks of gengap's own have none.

    Args:
        runs: all runs of a results directory.
        cells: the run names of the cells.
    """
    marked = runs.copy()
    for column, status in STATUS_BY_COLUMN.items():
        known = marked[(marked["status"] == Status.FINISHED) & marked[column].notna()]
        kind = known["workload"].where(known["run"].isin(cells), known["run"])
        for _, together in known.groupby(kind):
            [(usual, _)] = Counter(together[column]).most_common(1)  # the first of several
            marked.loc[together.index[together[column] != usual], "status"] = status
    return marked
