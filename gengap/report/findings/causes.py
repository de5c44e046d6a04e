"""The likeliest cause of a number that is not reproduced, from causes.csv, and the runs that test it."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gengap.config.compose import compose_config
from gengap.config.identity import run_name
from gengap.config.schema import FP32, PAPER
from gengap.report.cells import Records
from gengap.report.format import spread
from gengap.report.measure import Measured
from gengap.report.places import experiment_of
from gengap.report.statistics import summarize

_USUAL = (f"precision={FP32}", f"protocol={PAPER}")


@dataclass(frozen=True)
class Cause:
    """A conjecture, and the settings with which the cell would come out as published if it is right."""

    text: str
    settings: str


@cache
def causes() -> dict[tuple[str, str], Cause]:
    """All conjectures by row and method."""
    text = files("gengap.report.findings").joinpath("causes.csv").read_text(encoding="utf-8")
    return {
        (row, method): Cause(line["cause"], line["settings"])
        for line in csv.DictReader(text.splitlines())
        for row in line["row"].split()
        for method in line["methods"].split()
    }


def tested(records: Records, cell: Measured) -> tuple[str, str]:
    """The cause of a cell that is not reproduced, and what its test gave: `97.56 ± 0.12 (n=3)`."""
    cause = causes().get((cell.workload, cell.method))
    experiment = experiment_of(cell.workload, cell.method)
    if cause is None or not experiment:
        return "unknown", ""
    words = [w for w in (f"precision={cell.precision}", f"protocol={cell.protocol}") if w not in _USUAL]
    words += [w for w in cause.settings.split() if w not in words]
    run = run_name(compose_config([f"+experiment={experiment}", *words]))
    groups = [g for g in (*records.variants, *records.cells.values()) if g.run == run and g.accuracies]
    if not groups:
        return cause.text, f"not yet: {' '.join(words)}"
    found = summarize(groups[0].accuracies)
    return cause.text, f"{spread(found)} (n={found.n}) with {' '.join(words)}"
