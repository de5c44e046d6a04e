"""The published numbers of Hoffer et al. 2017 (Tables 1 and 2), read from paper.csv."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Published:
    """One cell of a table of the paper; accuracy in percent, digit for digit as printed."""

    table: int
    workload: str
    network: str
    dataset: str
    method: str
    accuracy: str
    small_batch: int
    large_batch: int
    batch_size: int
    source: str


@cache
def published() -> tuple[Published, ...]:
    """All published cells in the order of the tables."""
    text = files("gengap.report").joinpath("paper.csv").read_text(encoding="utf-8")
    return tuple(_cell(row) for row in csv.DictReader(text.splitlines()))


def _cell(row: dict[str, str]) -> Published:
    return Published(
        table=int(row["table"]),
        workload=row["workload"],
        network=row["network"],
        dataset=row["dataset"],
        method=row["method"],
        accuracy=row["accuracy"],
        small_batch=int(row["small_batch"]),
        large_batch=int(row["large_batch"]),
        batch_size=int(row["batch_size"]),
        source=row["source"],
    )


def workloads(table: int) -> list[str]:
    """The rows of a table, in its order."""
    return list(dict.fromkeys(p.workload for p in published() if p.table == table))


def accuracy(workload: str, method: str, table: int = 1) -> str:
    """The published accuracy as printed, empty where the table has no such cell."""
    found = (p.accuracy for p in published() if (p.table, p.workload, p.method) == (table, workload, method))
    return next(found, "")


def title(workload: str) -> str:
    """`network, dataset` as the paper writes them; a workload that is not in the paper keeps its own name."""
    found = (f"{p.network}, {p.dataset}" for p in published() if p.workload == workload)
    return next(found, workload)
