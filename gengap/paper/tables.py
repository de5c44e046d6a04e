"""The published numbers of Tables 1 and 2 of Hoffer et al. 2017, from tables.csv, and the names of rows."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gengap.paper import keskar

DEMOS = {"digits_f1": "F1, digits"}  # our own rows, which the paper doesn't have
# Rows whose network and recipe are ours: neither the paper nor its released code describes them
UNDESCRIBED = frozenset({"cifar10_vgg"})
OTHERS = {"photographs_c1": "C1, photographs"}  # likewise, listed among the other workloads


@dataclass(frozen=True)
class Published:
    """A cell of one of the paper's tables; accuracy in percent, exactly as printed."""

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

    @property
    def row(self) -> str:
        """Workload of the row; Table 2's second row ends in `_8k`, as do the names of its experiments."""
        return f"{self.workload}_8k" if self.large_batch == 8192 else self.workload


@cache
def published() -> tuple[Published, ...]:
    """Read all published cells, in the order of the tables."""
    text = files("gengap.paper").joinpath("tables.csv").read_text(encoding="utf-8")
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
    """List the workloads in a table, in order."""
    return list(dict.fromkeys(p.workload for p in published() if p.table == table))


def rows(table: int) -> list[str]:
    """List the rows of a table, in order; a workload with two large batches has two."""
    return list(dict.fromkeys(p.row for p in published() if p.table == table))


def accuracy(row: str, method: str) -> str:
    """Look up a published accuracy as printed; empty if there is no such cell."""
    return next((p.accuracy for p in published() if (p.row, p.method) == (row, method)), "")


def first_row(row: str, method: str) -> str:
    """Find the first row with this cell: rows of a workload share cells of the same batch (footnote 8)."""
    here = next((p for p in published() if (p.row, p.method) == (row, method)), None)
    if here is None:
        return row
    same = (here.workload, here.method, here.batch_size)
    return next(p.row for p in published() if (p.workload, p.method, p.batch_size) == same)


def title(row: str) -> str:
    """Name shown to readers: `network, dataset`, and the large batch if the workload has two rows.

    A row that is neither in the papers nor one of ours keeps its key.
    """
    here = next((p for p in published() if p.row == row), None)
    if here is None:
        return keskar.title(row) or (DEMOS | OTHERS).get(row, row)
    twice = len({p.row for p in published() if p.workload == here.workload}) > 1
    return network_and_data(here.workload) + (f", {here.large_batch}" if twice else "")


def network(row: str) -> str:
    """Title of a row in the papers without its data set: `C1`, or `Alexnet, 8192`."""
    name, _, data = title(row).partition(", ")
    return ", ".join(part for part in (name, data.partition(", ")[2]) if part)


def network_and_data(workload: str) -> str:
    """`network, dataset` of a workload, regardless of the batch; its title if it is not in the paper."""
    here = next((p for p in published() if p.workload == workload), None)
    return title(workload) if here is None else f"{here.network}, {here.dataset}"
