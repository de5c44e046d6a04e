"""Where runs were trained: hardware, commits, torch versions, and runs continued elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pandas import DataFrame

from gengap.report.cells import Records
from gengap.report.format import commit, whole
from gengap.report.markup import Table
from gengap.runs import read_record
from gengap.runs.parts import SEPARATOR, parts
from gengap.runs.provenance import hardware_name
from gengap.runs.schema import BEGAN_AFTER


def distinct(runs: DataFrame, column: str) -> str:
    """Join the distinct values of a column over all parts of runs, sorted."""
    return SEPARATOR.join(sorted(_values(runs, column)))


def commits(runs: DataFrame) -> str:
    """Join the distinct commits, shortened to 8 digits but keeping `-dirty`."""
    return SEPARATOR.join(sorted({commit(c) for c in _values(runs, "git_commit")}))


def makes(hardware: str) -> str:
    """Shorten the hardware of a run's parts to its makes: `AMD`, or `4 x NVIDIA, AMD` if moved."""
    return ", ".join(sorted({_make(name) for name in hardware.split(SEPARATOR)}))


def _make(name: str) -> str:
    ranks, times, processor = name.rpartition(" x ")
    words = processor.partition(",")[0].split()
    return f"{ranks}{times}{words[0] if words else 'unknown'}"


def _values(runs: DataFrame, column: str) -> set[str]:
    return {part for value in runs[column].dropna() for part in str(value).split(SEPARATOR)}


def origin(records: Records) -> Table:
    """Tabulate hardware, commits and torch versions of the runs."""
    rows = (
        (str(name), str(len(group)), commits(group), distinct(group, "torch"))
        for name, group in records.runs.groupby("hardware", sort=True)
    )
    return Table(("hardware", "runs", "commits", "torch"), tuple(rows))


def continued(records: Records) -> Table:
    """Tabulate all parts of runs that were continued by another version or machine, one line per part."""
    runs = records.runs[records.runs["parts"] > 1]
    rows = [row for directory in runs["directory"] for row in _parts(Path(directory))]
    return Table(("run", "seed", "began after update", "hardware", "commit", "torch"), tuple(rows), labels=2)


def _parts(directory: Path) -> Iterator[tuple[str, ...]]:
    for part in parts(read_record(directory) or {}):
        yield directory.parent.name, directory.name.removeprefix("seed"), *_row(part)


def _row(part: dict[str, Any]) -> tuple[str, ...]:
    began = part[BEGAN_AFTER]
    return (
        "not recorded" if began is None else whole(began),
        hardware_name(part["hardware"]),
        commit(str(part["git_commit"] or "")),
        part["versions"]["torch"],
    )
