"""Which runs belong to which cell: the records of a results directory, matched with conf/experiment."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from pandas import DataFrame

from gengap.config.conf import CONF
from gengap.config.identity import recorded_differences, run_name
from gengap.config.schema import FP32, PAPER
from gengap.config.shipped import Cell, cell, choices, experiment_config, experiments
from gengap.paper import tables as paper
from gengap.paper.methods import METHODS
from gengap.report.measurements import read_measurements
from gengap.report.other_data import mark_other_data
from gengap.report.rows import KINDS, OTHER_PRECISIONS, RELEASED, Part, Row, part_of
from gengap.runs import read_record, read_store

DEFAULT = Path("results")


@dataclass(frozen=True)
class Group:
    """Runs that differ only in the seed: one row of `runs` per seed, whatever its status.

    workload: name of the row in the tables, `imagenet_alexnet_8k` for the cells at batch 8192. experiment:
    the one that composes these runs, apart from precision and protocol; empty if none does.
    """

    run: str
    workload: str
    method: str
    experiment: str
    runs: DataFrame

    @cached_property
    def finished(self) -> DataFrame:
        """The runs that means are taken over."""
        return self.runs[self.runs["status"] == "finished"]

    @property
    def accuracies(self) -> list[float]:
        """Validation accuracy (%) of each finished run after its last update, never the best."""
        return [float(accuracy) for accuracy in self.finished["last_val_accuracy"]]

    @property
    def is_own(self) -> bool:
        """Whether the workload is the user's own, and no experiment is its cell with this method."""
        return part_of(self.workload) is Part.OTHER and not experiment_of(self.workload, self.method)


@dataclass(frozen=True)
class Records:
    """Everything in a results directory: the cells of the tables, and variants that belong to none."""

    runs: DataFrame
    cells: dict[tuple[Row, str], Group]  # by row and method
    variants: list[Group]
    unreadable: tuple[tuple[str, str], ...] = ()  # (file relative to the results directory, what is wrong)
    speeds: tuple[dict[str, Any], ...] = ()  # measurements of `gengap bench`, one per machine
    results_dir: Path = DEFAULT  # as in the commands that the report shows
    are_published: bool = False  # the committed records of this project, whose report names every figure

    def command(self, words: str) -> str:
        """The command that trains `words`, such as +sweep=figure1, into this results directory."""
        at_default = self.are_published or self.results_dir == DEFAULT
        place = "" if at_default else " " + shlex.quote(f"results_dir={self.results_dir}")
        return f"gengap train {words}{place}"

    def cell(self, row: Row, method: str) -> Group | None:
        """The runs of a cell, which two rows may share; None if there are none."""
        return self.cells.get((row._replace(name=paper.first_row(row.name, method)), method))


def read_records(results_dir: Path) -> Records:
    """Read all runs and assign them to cells; an absent directory has no runs."""
    store = read_store(results_dir)
    present = _cells(frozenset(zip(store.runs["workload"], store.runs["method"], strict=True)))
    places = _places(present, released=RELEASED in set(store.runs["protocol"]))
    rows_of = {run: row for run, (_, row) in places.items() if row}
    runs = mark_other_data(store.runs, rows_of)
    groups = [_group(str(run), rows, places) for run, rows in runs.groupby("run", sort=True)]
    speeds, no_speeds = read_measurements(results_dir.expanduser())
    bad = [(e.file, e.reason) for e in store.unreadable] + no_speeds
    return Records(
        runs=runs,
        cells={(rows_of[g.run], g.method): g for g in groups if g.run in rows_of},
        variants=[g for g in groups if g.run not in rows_of],
        unreadable=tuple((f.relative_to(results_dir.expanduser()).as_posix(), reason) for f, reason in bad),
        speeds=tuple(speeds),
        results_dir=results_dir,
        are_published=results_dir.resolve() == CONF.parent / DEFAULT,
    )


def _places(cells: tuple[Cell, ...], released: bool) -> dict[str, tuple[str, Row | None]]:
    """By run name: the experiment that composes its runs, and their row if they are a cell."""
    found: dict[str, tuple[str, Row | None]] = {}
    for c in cells:
        name = _row(c.experiment, c.workload, c.method)
        found[c.run] = c.experiment, Row(name) if name else None
        for run, kind in _others(c.experiment, released) if name else ():
            found[run] = c.experiment, Row(name, *kind)
    return found


def _others(experiment: str, released: bool) -> Iterator[tuple[str, tuple[str, str]]]:
    for precision in OTHER_PRECISIONS:
        yield run_name(replace(experiment_config(experiment), precision=precision)), (precision, PAPER)
    if released:  # composing is slow, so only if there are such runs
        yield _released_run(experiment), (FP32, RELEASED)


@cache
def _released_run(experiment: str) -> str:
    return run_name(experiment_config(experiment, RELEASED))


def _group(run: str, rows: DataFrame, places: dict[str, tuple[str, Row | None]]) -> Group:
    experiment, row = places.get(run, ("", None))
    name = row.name if row else str(rows["workload"].iloc[0])
    return Group(run, name, str(rows["method"].iloc[0]), experiment, rows)


def rows_of(records: Records, *parts: Part) -> list[Row]:
    """The rows that have records, part by part, by name and kind."""
    names = [name for part in parts for name in row_names(records) if part_of(name) is part]
    rows = (Row(name, *kind) for name in names for kind in KINDS)
    return [row for row in rows if any(records.cell(row, m) for m in METHODS)]


def parts(records: Records) -> list[Part]:
    """The parts that have runs, and Table 1 in any case."""
    found = {Part.TABLE1, *map(part_of, records.runs["workload"])}
    return [part for part in Part if part in found]


def row_names(records: Records) -> list[str]:
    """Names of the paper's rows in its order, then of other workloads that have cells."""
    names = dict.fromkeys(p.row for p in paper.published())
    return [*names, *sorted({row.name for row, _ in records.cells} - set(names))]


def experiment_of(row: str, method: str) -> str:
    """Name of the experiment that is this cell; empty if there is none."""
    asked = (paper.first_row(row, method), method)
    return next(
        (name for name, parts in _experiments().items() if (_row(name, *parts), parts[1]) == asked), ""
    )


def changed(group: Group) -> dict[str, Any] | None:
    """The settings that differ from the cell of the same workload and method; None without such a cell."""
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
    # Composing is slow, so experiments of workloads and methods without runs are skipped.
    return tuple(cell(name) for name, parts in _experiments().items() if parts in present or "" in parts)


def _row(experiment: str, workload: str, method: str) -> str:
    # The row that an experiment is a cell of. Experiments with other names are at the settings of a figure,
    # not of the tables, and have no row.
    if method not in METHODS:
        return ""
    dataset = workload.split("_")[0]
    rows = dict.fromkeys((dataset, workload), workload)
    second = f"{workload}_8k"
    if second in paper.rows(2):
        rows[f"{dataset}_8k"] = second
    return rows.get(experiment.removesuffix(f"_{method}"), "")
