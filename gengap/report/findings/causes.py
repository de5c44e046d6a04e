"""The likeliest cause of a number that is not reproduced, from causes.csv."""

import csv
from functools import cache
from importlib.resources import files

UNKNOWN = "unknown"


@cache
def _causes() -> dict[tuple[str, str], str]:
    text = files("gengap.report.findings").joinpath("causes.csv").read_text(encoding="utf-8")
    return {
        (row, method): line["cause"]
        for line in csv.DictReader(text.splitlines())
        for row in line["row"].split()
        for method in line["methods"].split()
    }


def cause_of(row: str, method: str) -> str:
    """The conjecture and what tests it; `unknown` where there is none."""
    return _causes().get((row, method), UNKNOWN)
