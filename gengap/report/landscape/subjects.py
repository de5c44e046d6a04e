"""Whose loss surface was measured: each record's configuration, a cell of the tables or another run."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gengap.config.checks import PRECISIONS
from gengap.config.identity import as_typed, recorded_differences
from gengap.config.schema import Config
from gengap.paper import keskar
from gengap.paper import tables as paper
from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Records
from gengap.report.landscape.weights import Weights
from gengap.report.markup import Table
from gengap.report.places import nearest
from gengap.report.rows import Row
from gengap.runs import Status
from gengap.runs.comparable import DIFFERS

# Settings that have their own columns, and values of others that need no mention
_SHOWN = ("batch_norm", "epsilon", "rho", "subspace", "start", "path", "initial")
_USUAL = {
    "dtype": "float32", "batch": 1000, "iterations": 10, "points": (31, 8),
    "eigenvalues": 5, "probes": 30, "tolerance": 1e-3, "directions": 1000, "radius": 10.0,
    "sizes": [], "draws": 32,
}  # fmt: skip


class Subject(NamedTuple):
    """The runs of one configuration, which differ only in the seed.

    method: method of a cell of the tables, or of a row of runs that all differ from its cells in the same
    settings outside the method; empty for other runs. label: label of the method; for other runs, the
    experiment and how they differ from it.
    """

    row: Row
    method: str
    label: str
    run: str
    batch_size: int


@dataclass(frozen=True)
class Record:
    """A finished record of measurements.

    accuracy, train_accuracy: accuracy of these weights, or of their run after its last update, in percent;
    None if neither is known. settings: unusual settings, as typed.
    """

    subject: Subject
    seed: int
    kind: str
    content: dict[str, Any]
    settings: str
    accuracy: float | None
    train_accuracy: float | None

    @property
    def measurements(self) -> list[dict[str, Any]]:
        """Measurements as recorded."""
        found: list[dict[str, Any]] = self.content["measurements"]
        return found

    @property
    def typed(self) -> dict[str, Any]:
        """Settings of the measurement."""
        found: dict[str, Any] = self.content["config"][self.kind]
        return found


def read(records: Records) -> list[Record]:
    """Select the records that are reported, ordered by the tables' rows and methods, then by run and seed."""
    weights = Weights(records)
    found = [
        _record(records, content, weights)
        for content in records.landscape
        if not _why_left_out(records, weights, content)
    ]
    found = _distinct(found)
    order = [*dict.fromkeys(p.row for p in paper.published()), *paper.DEMOS, *keskar.workloads()]

    def place(record: Record) -> tuple[Any, ...]:
        row, method = record.subject.row, record.subject.method
        known = order.index(row.name) if row.name in order else len(order)
        precision = PRECISIONS.index(row.precision) if row.precision in PRECISIONS else len(PRECISIONS)
        column = METHODS.index(method) if method in METHODS else len(METHODS)
        numbers = known, row.name, precision, row.precision, row.protocol, row.overrides, column
        return *numbers, record.subject.batch_size, record.subject.run, record.seed, record.content["file"]

    return sorted(found, key=place)


def left_out(records: Records) -> Table:
    """Tabulate the records that are not reported, and why."""
    weights = Weights(records)
    reasons = ((str(c["file"]), _why_left_out(records, weights, c)) for c in records.landscape)
    rows = ((file, why) for file, why in reasons if why)
    return Table(("file", "why"), tuple(rows), labels=2)


def _why_left_out(records: Records, weights: Weights, content: dict[str, Any]) -> str:
    if content["status"] != Status.FINISHED:
        return "unfinished"
    same = (records.runs["run"] == content["run"]) & (records.runs["seed"] == content["seed"])
    differs = [status for status in records.runs[same]["status"] if status in DIFFERS.values()]
    return f"its run is {differs[0]} than most" if differs else weights.why_left_out(content)


def _record(records: Records, content: dict[str, Any], weights: Weights) -> Record:
    kind, found = str(content["kind"]), weights.accuracies(content)
    settings = unusual(content["config"][kind])
    return Record(_subject(records, content), content["seed"], kind, content, settings, *found)


def _subject(records: Records, content: dict[str, Any]) -> Subject:
    config, run = content["config"], str(content["run"])
    experiment, row = records.places.get(run, ("", None))
    method = config["method"]["name"]
    batch_size = int(config["method"]["batch_size"])
    if row and method in METHODS:
        return Subject(row, method, LABELS[method], run, batch_size)
    own = Row(config["workload"]["name"], config["precision"], config["protocol"]["name"])
    if experiment:
        return Subject(own, "", experiment, run, batch_size)
    found = nearest({key: value for key, value in config.items() if key != content["kind"]})
    if not found:
        return Subject(own, "", run, run, batch_size)
    of_method = {key: value for key, value in found.changed.items() if key.startswith("method.")}
    others = {key: value for key, value in found.changed.items() if key not in of_method}
    if not found.row or not others or of_method.keys() - {"method.batch_size"}:
        return Subject(own, "", f"{found.experiment} {as_typed(found.changed)}", run, batch_size)
    label = " ".join(part for part in (LABELS[method], as_typed(of_method)) if part)
    return Subject(own._replace(name=found.row, overrides=as_typed(others)), method, label, run, batch_size)


def _distinct(found: Sequence[Record]) -> list[Record]:
    """Treat runs that share a row and method as other runs: no ratio could say which one it is about."""
    runs: dict[tuple[Row, str], set[str]] = {}
    for s in (record.subject for record in found):
        runs.setdefault((s.row, s.method), set()).add(s.run)

    def distinct(s: Subject) -> Subject:
        if not (s.method and s.row.overrides) or len(runs[s.row, s.method]) == 1:
            return s
        return s._replace(row=s.row._replace(overrides=""), method="", label=f"{s.label} {s.row.overrides}")

    return [dataclasses.replace(record, subject=distinct(record.subject)) for record in found]


def unusual(settings: dict[str, Any]) -> str:
    """Format as `key=value` each setting with an unusual value that has no column."""
    shown = {key: value for key, value in settings.items() if key not in _SHOWN}
    if settings.get("batch_norm") != "batch":
        shown.pop("batch", None)  # irrelevant, since no batch is normalized by its own statistics
    return " ".join(f"{key}={_typed(value)}" for key, value in shown.items() if not _is_usual(key, value))


def _is_usual(key: str, value: Any) -> bool:
    usual = _USUAL.get(key)
    return bool(value in usual if isinstance(usual, tuple) else value == usual)


def _typed(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def by_row(subjects: Sequence[Subject]) -> Iterator[tuple[Row, list[Subject]]]:
    """Yield the subjects of each row, in order."""
    for row in dict.fromkeys(s.row for s in subjects):
        yield row, [s for s in subjects if s.row == row]


def settings_besides(record: Record, left_out: tuple[str, ...]) -> str:
    """Settings that distinguish the measured run, as text, besides keys that begin with one of `left_out`.

    Keys missing from an older record count as having their defaults, as in the run's name.
    """
    config = {k: v for k, v in record.content["config"].items() if k != record.kind}
    changed = recorded_differences(config, Config())
    return json.dumps({k: v for k, v in changed.items() if not k.startswith(left_out)}, sort_keys=True)
