"""What the paper's figures show, as numbers: paper_figures.csv, read off the published pictures."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Point:
    """One number read off a figure: `figure` is its panel (2a), `experiment` the cell that it is a value of.

    value: as written down, in `unit`. plus_minus: how well it can be read, empty where nobody estimated it.
    """

    figure: str
    quantity: str
    experiment: str
    value: str
    plus_minus: str
    unit: str
    source: str


@cache
def points() -> tuple[Point, ...]:
    """All of them, in the order of the figures."""
    text = files("gengap.paper").joinpath("figures.csv").read_text(encoding="utf-8")
    return tuple(Point(**row) for row in csv.DictReader(text.splitlines()))


def published(figure: str, quantity: str, experiment: str = "") -> str:
    """The number as written down, empty where the figure shows none."""
    asked = (figure, quantity, experiment)
    return next((p.value for p in points() if (p.figure, p.quantity, p.experiment) == asked), "")
