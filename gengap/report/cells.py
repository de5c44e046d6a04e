"""Which run is which cell: the records of a results directory, sorted by the experiments of conf/."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pandas import DataFrame

from gengap.config import Cell, cell, choices, experiment_config, experiments, recorded_differences
from gengap.report import paper
from gengap.report.speed import read_measurements
from gengap.report.style import METHODS
from gengap.runs import read_record, read_store


@dataclass(frozen=True)
class Group:
    """The runs that differ in nothing but the seed: one row of `runs` a seed, in any status.

    `workload` is the row of the tables: `imagenet_alexnet_8k` for the cells at 8192. `experiment` is empty
    where none composes these runs.
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
    cells: dict[tuple[str, str], Group]  # (row, method) to its runs
    variants: list[Group]
    unreadable: tuple[tuple[str, str], ...] = ()  # file below the results directory, and what is wrong
    speeds: tuple[dict[str, Any], ...] = ()  # what `gengap bench` measured, a machine each

    def cell(self, row: str, method: str) -> Group | None:
        """The runs of a cell, which two rows may share; None where there are none."""
        return self.cells.get((paper.first_row(row, method), method))


def read_records(results_dir: Path) -> Records:
    """Read and sort all runs; no runs where there is no such directory."""
    store = read_store(results_dir)
    runs = store.runs
    known = {c.run: c for c in _cells(frozenset(zip(runs["workload"], runs["method"], strict=True)))}
    groups = [_group(str(run), rows, known.get(str(run))) for run, rows in runs.groupby("run", sort=True)]
    speeds, no_speeds = read_measurements(results_dir.expanduser())
    bad = [(e.file, e.reason) for e in store.unreadable] + no_speeds
    rows_of = {run: _row(c.experiment, c.workload, c.method) for run, c in known.items()}
    return Records(
        runs=runs,
        cells={(g.workload, g.method): g for g in groups if rows_of.get(g.run)},
        variants=[g for g in groups if not rows_of.get(g.run)],
        unreadable=tuple((f.relative_to(results_dir.expanduser()).as_posix(), reason) for f, reason in bad),
        speeds=tuple(speeds),
    )


def _group(run: str, rows: DataFrame, found: Cell | None) -> Group:
    workload, method = str(rows["workload"].iloc[0]), str(rows["method"].iloc[0])
    if found is None:
        return Group(run, workload, method, "", rows)
    return Group(run, _row(found.experiment, workload, method) or workload, method, found.experiment, rows)


def rows_of_table(records: Records, table: int) -> list[str]:
    """The table's rows that have records, then in Table 1 those that the paper does not have."""
    known = [row for row in paper.rows(table) if any(records.cell(row, m) for m in METHODS)]
    printed = {p.row for p in paper.published()}
    return known + (sorted({row for row, _ in records.cells} - printed) if table == 1 else [])


def experiment_of(row: str, method: str) -> str:
    """Name of the experiment that is the tables' cell, empty where there is none."""
    asked = (paper.first_row(row, method), method)
    return next(
        (name for name, parts in _experiments().items() if (_row(name, *parts), parts[1]) == asked), ""
    )


def changed(group: Group) -> dict[str, Any] | None:
    """The settings that are not those of the cell of the same workload and method; None without a cell."""
    experiment = experiment_of(group.workload, group.method)
    record = read_record(Path(group.runs["directory"].iloc[0]))
    if not experiment or record is None:
        return None
    return recorded_differences(record["config"], experiment_config(experiment))


@cache
def _experiments() -> dict[str, tuple[str, str]]:
    return {name: choices(name) for name in experiments()}


@cache
def _cells(present: frozenset[tuple[str, str]]) -> tuple[Cell, ...]:
    # Composing takes a while, so experiments that name another workload or method are left out.
    return tuple(cell(name) for name, parts in _experiments().items() if parts in present or "" in parts)


def _row(experiment: str, workload: str, method: str) -> str:
    # The row of the tables that an experiment is a cell of. Experiments of other names compose a workload and
    # a method at a figure's settings, not at the tables', and have none.
    if method not in METHODS:
        return ""
    dataset = workload.split("_")[0]
    rows = dict.fromkeys((dataset, workload), workload)
    second = f"{workload}_8k"
    if second in paper.rows(2):
        rows[f"{dataset}_8k"] = second
    return rows.get(experiment.removesuffix(f"_{method}"), "")
