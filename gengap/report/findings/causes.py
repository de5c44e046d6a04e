"""Conjectured causes of numbers that are not reproduced, from causes.csv, and the runs that test them."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from gengap.config.identity import run_name
from gengap.config.schema import FP32, PAPER
from gengap.config.shipped import experiment_with
from gengap.report.cells import Records
from gengap.report.format import spread
from gengap.report.measure import Measured, measure
from gengap.report.places import experiment_of

_USUAL = (f"precision={FP32}", f"protocol={PAPER}")


@dataclass(frozen=True)
class Cause:
    """A conjecture, and settings with each of which the cell should match the paper if it is right.

    Without settings, no run can test it.
    """

    text: str
    settings: tuple[str, ...]


@dataclass(frozen=True)
class Trial:
    """A cell whose number is not reproduced, with other settings; `found` is None if it has not been run."""

    words: str
    found: Measured | None

    @property
    def outcome(self) -> str:
        """Format as `97.56 ± 0.12 ≈ (n=3) with protocol.reference_batch=256`, or say there is none yet."""
        if self.found is None:
            return f"not yet: {self.words}"
        shown = f"{spread(self.found.accuracy)} {self.found.mark}".rstrip()
        return f"{shown} (n={self.found.n}) with {self.words}"


@cache
def causes() -> dict[tuple[str, str, str], Cause]:
    """Read all conjectures, by row, method and protocol."""
    text = files("gengap.report.findings").joinpath("causes.csv").read_text(encoding="utf-8")
    return {
        (row, method, line["protocol"]): _cause(line)
        for line in csv.DictReader(text.splitlines())
        for row in line["row"].split()
        for method in line["methods"].split()
    }


def _cause(line: dict[str, str]) -> Cause:
    return Cause(line["cause"], tuple(line["settings"].split("; ")) if line["settings"] else ())


def trials(records: Records, cell: Measured) -> tuple[str, list[Trial]]:
    """Find the conjectured cause for a cell that is not reproduced, and its trials: those run, or the first.

    The cause is empty if there is none, or if all settings that could test it are the cell's own.
    """
    cause = causes().get((cell.workload, cell.method, cell.protocol))
    experiment = experiment_of(cell.workload, cell.method)
    if cause is None or not experiment:
        return "", []
    found = list(_trials(records, cell, experiment, cause))
    applies = found or not cause.settings
    return cause.text if applies else "", [t for t in found if t.found] or found[:1]


def _trials(records: Records, cell: Measured, experiment: str, cause: Cause) -> Iterator[Trial]:
    groups = {g.run: g for g in (*records.variants, *records.cells.values()) if g.accuracies}
    kind = [w for w in (f"precision={cell.precision}", f"protocol={cell.protocol}") if w not in _USUAL]
    seen = {cell.run}
    for settings in cause.settings:
        words = [*kind, *(w for w in settings.split() if w not in kind)]
        run = run_of(experiment, *words)
        if run not in seen:
            seen.add(run)
            yield Trial(" ".join(words), measure(groups[run], cell.paper) if run in groups else None)


@cache
def run_of(experiment: str, *words: str) -> str:
    """Name the run that these words compose."""
    values = dict(word.split("=", 1) for word in words)
    precision, protocol = values.pop("precision", FP32), values.pop("protocol", PAPER)
    composed = experiment_with(experiment, protocol, [f"{key}={value}" for key, value in values.items()])
    return run_name(replace(composed, precision=precision))
