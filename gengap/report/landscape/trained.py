"""Runs by configuration: their accuracies and measurements, and both compared with a cell's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gengap.config.identity import recorded_differences
from gengap.report.cells import Group, Records
from gengap.report.landscape.by_statistics import evaluated
from gengap.report.landscape.numbers import SHARPNESS, Measure, Seeds, kept, mode_order, numbers
from gengap.report.landscape.ratios import Ratio, ratio
from gengap.report.landscape.subjects import Record
from gengap.report.places import at_protocol_of, experiment_of
from gengap.report.rows import Row
from gengap.report.statistics import Summary, summarize

_OF_ROW = {"precision", "protocol.name"}


@dataclass(frozen=True)
class Trained:
    """All seeds of one configuration.

    row: row of the tables, or the one its workload has there. experiment: experiment that composes it; empty
    if there is none. method, config: as recorded. accuracy: validation accuracy of the finished runs, in
    percent by seed; without any, of the measured runs. exact: the same with exact batch norm statistics, if
    evaluated. measured: values that count.
    """

    run: str
    row: Row
    experiment: str
    is_cell: bool
    method: str
    config: Mapping[str, Any]
    accuracy: Mapping[int, float]
    exact: Mapping[int, float]
    measured: Mapping[Measure, Seeds]

    @property
    def sharpness(self) -> dict[Measure, Seeds]:
        """Metric 2.1 in the full space."""
        of_measures = self.measured.items()
        return {m: v for m, v in of_measures if m.quantity == SHARPNESS and m.subspace is None}

    @property
    def changed(self) -> dict[str, Any] | None:
        """Settings that differ from those of its row's cell; None if no experiment is that cell."""
        experiment = experiment_of(self.row.name, self.method)
        if not experiment:
            return None
        found = recorded_differences(self.config, at_protocol_of(self.config, experiment))
        return {key: value for key, value in found.items() if key not in _OF_ROW}

    def ratios(self, other: "Trained | None") -> dict[Measure, Ratio]:
        """Compute how many times sharper it is than another, by every measure that both have."""
        theirs = other.measured if other else {}
        return {m: ratio(v, theirs[m]) for m, v in self.measured.items() if m in theirs}

    def difference(self, other: "Trained | None") -> Summary | None:
        """Difference in accuracy from another, in points, paired by seed; None without a shared seed."""
        return _paired(self.accuracy, other.accuracy if other else {})

    def exact_difference(self, other: "Trained | None") -> Summary | None:
        """The same difference with exact batch norm statistics in both."""
        return _paired(self.exact, other.exact if other else {})


def _paired(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Summary | None:
    shared = sorted(ours.keys() & theirs.keys())
    return summarize([ours[seed] - theirs[seed] for seed in shared]) if shared else None


def all_trained(records: Records, read: Sequence[Record]) -> list[Trained]:
    """Collect every configuration that was trained or measured, if any of its runs has ended."""
    groups = {g.run: g for g in (*records.cells.values(), *records.variants)}
    found = {s.run: by_measure for s, by_measure in numbers(read).items()}
    configs = {r.subject.run: _of_run(r) for r in read}
    exact = _exact(read)
    made = (
        _trained(records, run, groups.get(run), configs.get(run, {}), exact.get(run, {}), found.get(run, {}))
        for run in dict.fromkeys([*groups, *found])
    )
    return [t for t in made if t.accuracy or t.measured]


def _exact(read: Sequence[Record]) -> dict[str, dict[int, float]]:
    """Collect validation accuracy (%) with statistics recomputed over the training set, by run and seed."""
    modes = evaluated(read).items()
    return {
        s.run: {seed: v.validation for seed, v in of.items()} for (s, m), of in modes if m == "recomputed"
    }


def cell(trained: Sequence[Trained], row: Row, method: str) -> Trained | None:
    """Find the cell of a row; None if it has neither runs nor measurements."""
    return next((t for t in trained if t.is_cell and (t.row, t.method) == (row, method)), None)


def _trained(
    records: Records,
    run: str,
    group: Group | None,
    config: dict[str, Any],
    exact: dict[int, float],
    found: dict[Measure, Seeds],
) -> Trained:
    config = (group.config if group else {}) or config
    experiment, row = records.places.get(run, ("", None))
    own = Row(config["workload"]["name"], config["precision"], config["protocol"]["name"])
    values = [(seed, v.accuracy) for seeds in found.values() for seed, v in seeds.items()]
    accuracy = (group.by_seed if group else {}) or {s: a for s, a in values if a is not None}
    measured = {m: counted for m, seeds in found.items() if (counted := kept(seeds))}
    method = config["method"]["name"]
    return Trained(run, row or own, experiment, row is not None, method, config, accuracy, exact, measured)


def _of_run(record: Record) -> dict[str, Any]:
    """Configuration of the run, without the settings of the measurement."""
    return {key: value for key, value in record.content["config"].items() if key != record.kind}


def modes(trained: Sequence[Trained]) -> list[tuple[str, str]]:
    """List mode of batch norm and unusual settings of every measured sharpness, in order."""
    found = {(m.batch_norm, m.settings) for t in trained for m in t.sharpness}
    return sorted(found, key=lambda mode: (mode_order(mode[0]), mode[1]))


def epsilons(trained: Sequence[Trained]) -> list[float]:
    """List the box sizes of every measured sharpness, in decreasing order."""
    return sorted({m.parameter for t in trained for m in t.sharpness if m.parameter}, reverse=True)
