"""Which run is which cell: the records of a results directory, sorted by the experiments of conf/."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pandas import DataFrame

from gengap.config import Cell, cell, experiments
from gengap.report import paper
from gengap.report.style import METHODS
from gengap.runs import read_runs


@dataclass(frozen=True)
class Group:
    """The runs that differ in nothing but the seed: one row of `runs` a seed, in any status.

    `experiment` is empty where none composes these runs.
    """

    run: str
    workload: str
    method: str
    experiment: str
    runs: DataFrame

    @property
    def finished(self) -> DataFrame:
        """The runs that count in means."""
        return self.runs[self.runs["status"] == "finished"]


@dataclass(frozen=True)
class Records:
    """Everything under a results directory: the cells of the tables, and the variants apart from them."""

    runs: DataFrame
    cells: dict[tuple[str, str], Group]  # (workload, method) to its runs
    variants: list[Group]


def read_records(results_dir: Path) -> Records:
    """Read and sort all runs; no runs where there is no such directory."""
    runs = read_runs(results_dir)
    names = {c.run: c.experiment for c in _all_cells()}
    table = {c.run for c in _all_cells() if _in_a_table(c)}
    groups = [
        Group(run, rows["workload"].iloc[0], rows["method"].iloc[0], names.get(run, ""), rows)
        for run, rows in ((str(run), rows) for run, rows in runs.groupby("run", sort=True))
    ]
    return Records(
        runs=runs,
        cells={(g.workload, g.method): g for g in groups if g.run in table},
        variants=[g for g in groups if g.run not in table],
    )


def rows_of_table(records: Records, table: int) -> list[str]:
    """The table's workloads that have records, then in Table 1 those that the paper does not have."""
    present = {workload for workload, _ in records.cells}
    known = paper.workloads(table)
    rest = sorted(w for w in present if table == 1 and not any(p.workload == w for p in paper.published()))
    return [w for w in known if w in present] + rest


def experiment_of(workload: str, method: str) -> str:
    """Name of the experiment that is the tables' cell, empty where there is none yet."""
    named = {(c.workload, c.method): c.experiment for c in _all_cells() if _in_a_table(c)}
    return named.get((workload, method), "")


@cache
def _all_cells() -> tuple[Cell, ...]:
    return tuple(cell(name) for name in experiments())


def _in_a_table(found: Cell) -> bool:
    # Experiments of other names compose a workload and a method at a figure's settings, not at the tables'.
    dataset = found.workload.split("_")[0]
    names = (f"{dataset}_{found.method}", f"{found.workload}_{found.method}")
    return found.method in METHODS and found.experiment in names
