"""Match the records in a results directory with conf/experiment, to find which runs belong to which cell."""

import shlex
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pandas import DataFrame

from gengap.config.checks import PRECISIONS
from gengap.config.identity import is_published, recorded_differences
from gengap.config.schema import PAPER
from gengap.learning_rate import scaled_lr
from gengap.paper import tables as paper
from gengap.paper.methods import METHODS
from gengap.report.incomparable import mark_incomparable
from gengap.report.measurements import read_measurements
from gengap.report.places import Place, all_places, at_protocol_of, experiment_of
from gengap.report.rows import KINDS, Part, Row, part_of
from gengap.runs import read_record, read_store
from gengap.runs.measured import read_measured

DEFAULT = Path("results")


@dataclass(frozen=True)
class Group:
    """Runs that differ only in the seed, with one row of `runs` per seed, whatever its status.

    workload: name of the row in the tables, `imagenet_alexnet_8k` for the cells at batch 8192. experiment:
    experiment that composes these runs, apart from precision and protocol; empty if there is none.
    """

    run: str
    workload: str
    method: str
    experiment: str
    runs: DataFrame

    @cached_property
    def finished(self) -> DataFrame:
        """Finished runs, over which means are taken."""
        return self.runs[self.runs["status"] == "finished"]

    @property
    def accuracies(self) -> list[float]:
        """Validation accuracy (%) of each finished run after its last update (never the best one)."""
        return [float(accuracy) for accuracy in self.finished["last_val_accuracy"]]

    @property
    def by_seed(self) -> dict[int, float]:
        """The same accuracies, keyed by seed."""
        seeds = map(int, self.finished["seed"])
        return dict(zip(seeds, self.accuracies, strict=True))

    @cached_property
    def config(self) -> dict[str, Any]:
        """Configuration in the first run's record; empty if that is gone by now."""
        record = read_record(Path(self.runs["directory"].iloc[0]))
        return record["config"] if record else {}

    @property
    def lr_scale(self) -> float | None:
        """Factor by which the method scales the workload's learning rates; None if no record can be read."""
        method = self.config.get("method", {})
        if not {"lr_base_batch", "lr_rule"} <= method.keys():
            return None
        return scaled_lr(1.0, method["batch_size"], method["lr_base_batch"], method["lr_rule"])

    @property
    def is_own(self) -> bool:
        """Whether the workload is the user's own and no experiment is its cell for this method."""
        return part_of(self.workload) is Part.OTHER and not experiment_of(self.workload, self.method)


@dataclass(frozen=True)
class Records:
    """Everything in a results directory: the cells of the tables, and variants that belong to no cell."""

    runs: DataFrame
    cells: dict[tuple[Row, str], Group]  # by row and method
    variants: list[Group]
    unreadable: tuple[tuple[str, str], ...] = ()  # (file relative to the results directory, problem)
    speeds: tuple[dict[str, Any], ...] = ()  # measurements of `gengap bench`, one per machine
    landscape: tuple[dict[str, Any], ...] = ()  # measurements of `gengap landscape`
    # For every cell with runs or measurements, by run name: its experiment, and its row if it has one
    places: dict[str, Place] = field(default_factory=dict)
    results_dir: Path = DEFAULT  # as in the commands shown in the report
    are_published: bool = False  # the project's committed records, whose report names every figure

    def command(self, words: str) -> str:
        """Command that trains `words`, such as +sweep=figure1, into this results directory."""
        at_default = self.are_published or self.results_dir == DEFAULT
        place = "" if at_default else " " + shlex.quote(f"results_dir={self.results_dir}")
        return f"gengap train {words}{place}"

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to report: no records, or none that can be read."""
        return self.runs.empty and not self.landscape

    def cell(self, row: Row, method: str) -> Group | None:
        """Runs of a cell, which two rows may share; None if there are none."""
        return self.cells.get((row._replace(name=paper.first_row(row.name, method)), method))


def read_records(results_dir: Path) -> Records:
    """Read all runs and assign them to cells; a missing directory has no runs.

    Raises:
        UnreadableError: the folder of all runs or of all measurements can't be read.
    """
    root = results_dir.expanduser()
    store, measured = read_store(results_dir), read_measured(root)
    speeds, no_speeds = read_measurements(root)
    unreadable = (*store.unreadable, *measured.unreadable, *no_speeds)
    for error in unreadable:
        if error.file.parent == root:  # the folder of all records of a kind, not just one record
            raise error
    places = all_places(store.runs, measured)
    rows_of = {run: row for run, (_, row) in places.items() if row}
    runs = mark_incomparable(store.runs, rows_of)
    groups = [_group(str(run), rows, places) for run, rows in runs.groupby("run", sort=True)]
    return Records(
        runs=runs,
        cells={(rows_of[g.run], g.method): g for g in groups if g.run in rows_of},
        variants=[g for g in groups if g.run not in rows_of],
        unreadable=tuple((e.file.relative_to(root).as_posix(), e.reason) for e in unreadable),
        speeds=tuple(speeds),
        landscape=measured.records,
        places=places,
        results_dir=results_dir,
        are_published=is_published(results_dir),
    )


def _group(run: str, rows: DataFrame, places: dict[str, Place]) -> Group:
    experiment, row = places.get(run, ("", None))
    name = row.name if row else str(rows["workload"].iloc[0])
    return Group(run, name, str(rows["method"].iloc[0]), experiment, rows)


def rows_of(records: Records, *parts: Part) -> list[Row]:
    """List the rows that have records, part by part, by name and kind."""
    names = [name for part in parts for name in row_names(records) if part_of(name) is part]
    rows = (Row(name, *kind) for name in names for kind in KINDS)
    return [row for row in rows if any(records.cell(row, m) for m in METHODS)]


def drawn_rows(records: Records) -> list[Row]:
    """List one row per name for figures: as stated in the paper or, if there is no such run, in bf16."""
    precisions = ([Row(name, precision) for precision in PRECISIONS] for name in row_names(records))
    return [row for rows in precisions for row in [r for r in rows if _has_finished(records, r)][:1]]


def _has_finished(records: Records, row: Row) -> bool:
    groups = (records.cells.get((row, method)) for method in METHODS)
    return any(group is not None and not group.finished.empty for group in groups)


def parts(records: Records) -> list[Part]:
    """List the parts that have runs, and Table 1 in any case."""
    found = {Part.TABLE1, *map(part_of, records.runs["workload"])}
    return [part for part in Part if part in found]


def row_names(records: Records) -> list[str]:
    """List the names of the paper's rows in its order, then of other workloads that have cells."""
    names = dict.fromkeys(p.row for p in paper.published())
    return [*names, *sorted({row.name for row, _ in records.cells} - set(names))]


def changed(group: Group) -> dict[str, Any] | None:
    """Find the settings that differ from the cell of the same workload and method; None without such a cell.

    A protocol other than the paper's is listed by its name, which stands for everything it sets.
    """
    experiment = experiment_of(group.workload, group.method)
    if not experiment or not group.config:
        return None
    expected = at_protocol_of(group.config, experiment)
    found = recorded_differences(group.config, expected)
    protocol = expected.protocol.name
    return found if protocol == PAPER else {"protocol": protocol, **found}
