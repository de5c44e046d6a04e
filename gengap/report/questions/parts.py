"""Cells trained with other settings, by the question they answer, as listed in parts.csv."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from gengap.config.checks import PRECISIONS
from gengap.config.identity import run_name
from gengap.config.shipped import experiment_config, experiment_with
from gengap.paper.methods import LABELS
from gengap.report.cells import Group, Records
from gengap.report.comparisons import SETTING, Comparison, corrected
from gengap.report.questions.paired import compared
from gengap.report.rows import Row
from gengap.report.significance import Difference

FIRST_UPDATES, SAMPLES, RA_PARTS = "first_updates", "samples", "ra_parts"
GHOSTS_ALONE, GHOST_SIZES = "ghosts_alone", "ghost_sizes"


@dataclass(frozen=True)
class Ablation:
    """An experiment with other settings, as typed, and the method of the cell it is compared with.

    sweep: words that train it.
    """

    question: str
    experiment: str
    protocol: str
    settings: str
    against: str
    sweep: str


@dataclass(frozen=True)
class Line:
    """An ablation that was run: its runs, the cell's, and the first minus the second; None without both."""

    ablation: Ablation
    row: Row
    method: str
    group: Group
    cell: Group | None
    comparison: Comparison | None
    tested: Difference | None


@cache
def ablations() -> tuple[Ablation, ...]:
    """Read all of parts.csv, setting by setting."""
    text = files("gengap.report.questions").joinpath("parts.csv").read_text(encoding="utf-8")
    return tuple(
        Ablation(
            line["question"],
            experiment,
            line["protocol"],
            settings,
            _method(line["against"] or experiment),
            line["sweep"],
        )
        for line in csv.DictReader(text.splitlines())
        for settings in line["settings"].split("; ")
        for experiment in line["experiments"].split()
    )


def _method(experiment: str) -> str:
    return experiment_config(experiment).method.name


def answered(records: Records) -> dict[str, list[Line]]:
    """Collect, by question, the ablations with runs, with Holm's correction over each question's lines."""
    groups = {g.run: g for g in records.variants}
    workloads = {g.workload for g in records.variants}
    found: dict[str, list[Line]] = {}
    for ablation in ablations():
        if experiment_config(ablation.experiment).workload.name in workloads:
            found.setdefault(ablation.question, []).extend(_lines(records, groups, ablation))
    return {question: _corrected(lines) for question, lines in found.items() if lines}


def _lines(records: Records, groups: dict[str, Group], ablation: Ablation) -> Iterator[Line]:
    """Yield a line for each precision in which the ablation was run."""
    for precision, run in _runs(ablation).items():
        group = groups.get(run)
        if group is not None:
            row = Row(group.workload, precision, ablation.protocol)
            cell = records.cell(row, ablation.against)
            comparison, tested = _compared(ablation, row, group, cell)
            yield Line(ablation, row, group.method, group, cell, comparison, tested)


@cache
def _runs(ablation: Ablation) -> dict[str, str]:
    config = experiment_with(ablation.experiment, ablation.protocol, ablation.settings.split())
    return {p: run_name(replace(config, precision=p)) for p in PRECISIONS}


def _compared(
    ablation: Ablation, row: Row, group: Group, cell: Group | None
) -> tuple[Comparison | None, Difference | None]:
    if cell is None or not cell.accuracies or not group.accuracies:
        return None, None
    names = f"{LABELS[group.method]} {ablation.settings}", LABELS[ablation.against]
    return compared(SETTING, row, dict(zip(names, (group, cell), strict=True)))


def _corrected(lines: Sequence[Line]) -> list[Line]:
    adjusted = iter(corrected([line.comparison for line in lines if line.comparison]))
    return [replace(line, comparison=next(adjusted) if line.comparison else None) for line in lines]


def not_run(found: dict[str, list[Line]]) -> dict[str, list[str]]:
    """List, by question, the sweeps without any finished run."""
    done = {line.ablation.sweep for lines in found.values() for line in lines if line.group.accuracies}
    missing: dict[str, list[str]] = {}
    for ablation in ablations():
        sweeps = missing.setdefault(ablation.question, [])
        if ablation.sweep not in done and ablation.sweep not in sweeps:
            sweeps.append(ablation.sweep)
    return {question: sweeps for question, sweeps in missing.items() if sweeps}
