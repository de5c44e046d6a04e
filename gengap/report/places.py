"""Find which experiment composes a run, and in which row of the tables it is a cell."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from pandas import DataFrame

from gengap.config.identity import recorded_differences, run_name
from gengap.config.schema import FP32, PAPER, Config
from gengap.config.shipped import Cell, all_choices, cell, experiment_config, is_shipped
from gengap.errors import UserError
from gengap.paper import tables as paper
from gengap.paper.methods import METHODS
from gengap.report.rows import OTHER_PRECISIONS, RELEASED, Row
from gengap.runs.measured import MeasuredStore

Place = tuple[str, Row | None]  # the experiment, and the row in which it is a cell, if any


def all_places(runs: DataFrame, measured: MeasuredStore) -> dict[str, Place]:
    """Find the places of all cells whose workload and method have runs or measurements, by run name."""
    configs = [record["config"] for record in measured.records]
    names = {*zip(runs["workload"], runs["method"], strict=True)}
    names |= {(c["workload"]["name"], c["method"]["name"]) for c in configs}
    protocols = {*runs["protocol"], *(c["protocol"]["name"] for c in configs)}
    return _places(_cells(frozenset(names)), released=RELEASED in protocols)


def _places(cells: tuple[Cell, ...], released: bool) -> dict[str, Place]:
    """Map run names to the experiment that composes the runs, and to their row if they are a cell.

    If two experiments with different settings claim a cell, the shipped one is it.
    """
    found: dict[str, Place] = {}
    shipped_last = sorted(cells, key=lambda c: is_shipped("experiment", c.experiment))
    claimed = {(_row(c.experiment, c.workload, c.method), c.method): c.run for c in shipped_last}
    for c in shipped_last:
        name = _row(c.experiment, c.workload, c.method)
        name = name if claimed[name, c.method] == c.run else ""
        found[c.run] = c.experiment, Row(name) if name else None
        for run, kind in _others(c.experiment, released) if name else ():
            found[run] = c.experiment, Row(name, *kind)
    return found


def _others(experiment: str, released: bool) -> Iterator[tuple[str, tuple[str, str]]]:
    for precision in OTHER_PRECISIONS:
        yield run_name(replace(experiment_config(experiment), precision=precision)), (precision, PAPER)
    if released:  # composing is slow, so do it only if there are such runs
        with suppress(UserError):  # a user's own experiment may contradict the released protocol
            yield _released_run(experiment), (FP32, RELEASED)


@cache
def _released_run(experiment: str) -> str:
    return run_name(experiment_config(experiment, RELEASED))


class Nearest(NamedTuple):
    """The experiment a run differs from least, the row in which that is a cell (or ""), and differences."""

    experiment: str
    row: str
    changed: dict[str, Any]


def nearest(config: Mapping[str, Any]) -> Nearest | None:
    """Find the experiment nearest to a recorded configuration, at its precision and protocol, if any."""
    workload, method = config["workload"]["name"], config["method"]["name"]
    found = [
        Nearest(c.experiment, _row(c.experiment, workload, method), _changed(config, c.experiment))
        for c in _cells(frozenset({(workload, method)}))
        if (c.workload, c.method) == (workload, method)
    ]
    return min(found, key=lambda n: (len(n.changed), not n.row, n.experiment), default=None)


def _changed(config: Mapping[str, Any], experiment: str) -> dict[str, Any]:
    changed = recorded_differences(config, at_protocol_of(config, experiment))
    return {key: value for key, value in sorted(changed.items()) if key not in ("precision", "protocol.name")}


def at_protocol_of(config: Mapping[str, Any], experiment: str) -> Config:
    """Compose the experiment at a recorded configuration's protocol, or at the paper's if that is gone."""
    try:
        return experiment_config(experiment, config["protocol"]["name"])
    except UserError:
        return experiment_config(experiment)


def experiment_of(row: str, method: str) -> str:
    """Name the experiment for this cell; empty if there is none."""
    asked = (paper.first_row(row, method), method)
    found = (name for name, parts in all_choices().items() if (_row(name, *parts), parts[1]) == asked)
    return min(found, key=lambda name: not is_shipped("experiment", name), default="")


@cache
def _cells(present: frozenset[tuple[str, str]]) -> tuple[Cell, ...]:
    # Composing is slow, so experiments for workloads and methods without runs are skipped
    return tuple(cell(name) for name, parts in all_choices().items() if parts in present or "" in parts)


def _row(experiment: str, workload: str, method: str) -> str:
    # The row in which an experiment is a cell. Experiments with other names use the settings of a figure,
    # not of the tables, and have no row.
    if method not in METHODS:
        return ""
    dataset = workload.split("_")[0]
    rows = dict.fromkeys((dataset, workload), workload)
    second = f"{workload}_8k"
    if second in paper.rows(2):
        rows[f"{dataset}_8k"] = second
    return rows.get(experiment.removesuffix(f"_{method}"), "")
