"""Numbers read off the paper's figures, from figures.csv."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Point:
    """A number read off a figure.

    figure: the figure's panel, such as 2a. experiment: cell it belongs to; empty for the whole panel. value:
    number as written down, in `unit`. plus_minus: reading precision; empty if not estimated.
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
    """Read all points, in the order of the figures."""
    text = files("gengap.paper").joinpath("figures.csv").read_text(encoding="utf-8")
    return tuple(Point(**row) for row in csv.DictReader(text.splitlines()))


def published(figure: str, quantity: str, experiment: str = "") -> str:
    """Look up a value as written down; empty if the figure shows none."""
    asked = (figure, quantity, experiment)
    return next((p.value for p in points() if (p.figure, p.quantity, p.experiment) == asked), "")
