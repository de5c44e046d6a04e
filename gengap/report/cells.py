"""Which run is which cell: the records of a results directory, sorted by the experiments of conf/."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

from pandas import DataFrame

from gengap.config.checks import PRECISIONS
from gengap.config.identity import recorded_differences, run_name
from gengap.config.schema import FP32, PAPER, deviation
from gengap.config.shipped import Cell, cell, choices, experiment_config, experiments
from gengap.paper import tables as paper
from gengap.paper.methods import METHODS
from gengap.report.speed import read_measurements
from gengap.runs import read_record, read_store

OTHERS = tuple(p for p in PRECISIONS if p != FP32)
RELEASED = "bigbatch"  # the released code's protocol
# What the rows of a name differ in, one thing at a time: precision and protocol
KINDS = ((FP32, PAPER), *((precision, PAPER) for precision in OTHERS), (FP32, RELEASED))


class Row(NamedTuple):
    """A row of the tables in one precision and protocol, by its name in paper.csv or else its workload's."""

    name: str
    precision: str = FP32
    protocol: str = PAPER

    @property
    def deviation(self) -> str:
        """Which of precision and protocol the paper doesn't state; empty where it states both."""
        return deviation(self.precision, self.protocol)

    @property
    def label(self) -> str:
        """The name; what is not as the paper states it follows: `mnist_f1 (bf16)`."""
        return marked(self.name, self.deviation)

    @property
    def title(self) -> str:
        """`network, dataset` as the paper writes them, marked likewise."""
        return marked(paper.title(self.name), self.deviation)


def marked(words: str, deviation: str) -> str:
    """The words, and behind them in brackets what is not as the paper states it."""
    return f"{words} ({deviation})" if deviation else words


@dataclass(frozen=True)
class Group:
    """The runs that differ in nothing but the seed: one row of `runs` a seed, in any status.

    `workload` is the name of the tables' row: `imagenet_alexnet_8k` for the cells at 8192. `experiment`
    composes these runs, precision and protocol aside; it is empty where none does.
    """

    run: str
    workload: str
    method: str
    experiment: str
    runs: DataFrame

    @cached_property
    def finished(self) -> DataFrame:
        """The runs that count in means."""
        return self.runs[self.runs["status"] == "finished"]

    @property
    def accuracies(self) -> list[float]:
        """Last validation accuracy (%) of every finished run, never the best."""
        return [float(accuracy) for accuracy in self.finished["last_val_accuracy"]]


@dataclass(frozen=True)
class Records:
    """Everything under a results directory: the cells of the tables, and the variants apart from them."""

    runs: DataFrame
    cells: dict[tuple[Row, str], Group]  # (row, method) to its runs
    variants: list[Group]
    unreadable: tuple[tuple[str, str], ...] = ()  # file below the results directory, and what is wrong
    speeds: tuple[dict[str, Any], ...] = ()  # what `gengap bench` measured, a machine each

    def cell(self, row: Row, method: str) -> Group | None:
        """The runs of a cell, which two rows may share; None where there are none."""
        return self.cells.get((row._replace(name=paper.first_row(row.name, method)), method))


def read_records(results_dir: Path) -> Records:
    """Read and sort all runs; no runs where there is no such directory."""
    store = read_store(results_dir)
    runs = store.runs
    present = _cells(frozenset(zip(runs["workload"], runs["method"], strict=True)))
    places = _places(present, released=RELEASED in set(runs["protocol"]))
    groups = [_group(str(run), rows, places) for run, rows in runs.groupby("run", sort=True)]
    speeds, no_speeds = read_measurements(results_dir.expanduser())
    bad = [(e.file, e.reason) for e in store.unreadable] + no_speeds
    rows_of = {run: row for run, (_, row) in places.items() if row}
    return Records(
        runs=runs,
        cells={(rows_of[g.run], g.method): g for g in groups if g.run in rows_of},
        variants=[g for g in groups if g.run not in rows_of],
        unreadable=tuple((f.relative_to(results_dir.expanduser()).as_posix(), reason) for f, reason in bad),
        speeds=tuple(speeds),
    )


def _places(cells: tuple[Cell, ...], released: bool) -> dict[str, tuple[str, Row | None]]:
    """A directory's name to the experiment that composes its runs, and their row where they are a cell."""
    found: dict[str, tuple[str, Row | None]] = {}
    for c in cells:
        name = _row(c.experiment, c.workload, c.method)
        found[c.run] = c.experiment, Row(name) if name else None
        for run, kind in _others(c.experiment, released) if name else ():
            found[run] = c.experiment, Row(name, *kind)
    return found


def _others(experiment: str, released: bool) -> Iterator[tuple[str, tuple[str, str]]]:
    for precision in OTHERS:
        yield run_name(replace(experiment_config(experiment), precision=precision)), (precision, PAPER)
    if released:  # composed only where such runs are: it takes a while
        yield _released_run(experiment), (FP32, RELEASED)


@cache
def _released_run(experiment: str) -> str:
    return run_name(experiment_config(experiment, RELEASED))


def _group(run: str, rows: DataFrame, places: dict[str, tuple[str, Row | None]]) -> Group:
    experiment, row = places.get(run, ("", None))
    name = row.name if row else str(rows["workload"].iloc[0])
    return Group(run, name, str(rows["method"].iloc[0]), experiment, rows)


def rows_of_table(records: Records, table: int) -> list[Row]:
    """The table's rows that have records, a kind each, then in Table 1 those not in the paper."""
    names = paper.rows(table)
    if table == 1:
        names += sorted({row.name for row, _ in records.cells} - {p.row for p in paper.published()})
    rows = (Row(name, *kind) for name in names for kind in KINDS)
    return [row for row in rows if any(records.cell(row, m) for m in METHODS)]


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
