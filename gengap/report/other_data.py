"""Finished runs on other data than most of their kind: a mean or a comparison with them would mislead."""

from collections import Counter
from collections.abc import Collection

from pandas import DataFrame

from gengap.runs import Status

OTHER_DATA = "on other data"  # instead of `finished`, so that no mean takes them


def mark_other_data(runs: DataFrame, cells: Collection[str]) -> DataFrame:
    """Set the status of the finished runs that were trained on other data than most of their kind.

    A kind is all cells of a workload, which are compared with each other; outside the cells, the runs that
    differ only in the seed. Runs without a fingerprint of their data, as older versions recorded them, count
    as trained on the same.

    Args:
        runs: all runs of a results directory.
        cells: the run names of the cells.
    """
    known = runs[(runs["status"] == Status.FINISHED) & runs["data"].notna()]
    kind = known["workload"].where(known["run"].isin(cells), known["run"])
    marked = runs.copy()
    for _, together in known.groupby(kind):
        [(usual, _)] = Counter(together["data"]).most_common(1)  # the first of several
        marked.loc[together.index[together["data"] != usual], "status"] = OTHER_DATA
    return marked
