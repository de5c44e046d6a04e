"""Finished runs on other data, or of another network, than most of their kind, which would distort means."""

from collections.abc import Collection, Sequence

from pandas import DataFrame

from gengap.runs import Status
from gengap.runs.comparable import DIFFERS, usual


def mark_incomparable(runs: DataFrame, cells: Collection[str]) -> DataFrame:
    """Mark finished runs whose data or network source differs from that of most runs of their kind.

    Their status becomes one in DIFFERS instead of `finished`, so that no mean includes them.

    A kind consists of all cells of a workload, which are compared with each other, or, outside the cells, of
    runs that differ only in the seed. Runs without a fingerprint, such as those recorded by older versions,
    count as the same; gengap's own networks have none.

    Args:
        runs: all runs in a results directory.
        cells: run names of the cells.
    """
    marked = runs.copy()
    for column, status in DIFFERS.items():
        known = marked[(marked["status"] == Status.FINISHED) & marked[column].notna()]
        kind = known["workload"].where(known["run"].isin(cells), known["run"])
        for _, together in known.groupby(kind):
            others = together[column] != usual(list(together[column]))
            marked.loc[together.index[others], "status"] = status
    return marked


def differing(finished: Sequence[DataFrame]) -> str:
    """Explain why finished runs of several kinds can't be compared; empty if they can."""
    for column, status in DIFFERS.items():
        if len({known for runs in finished for known in runs[column].dropna()}) > 1:
            return f"one side is {status}"
    return ""
