"""Published differences for a row, and the margin up to which one counts as none: a quarter of the gap."""

from gengap.paper import keskar
from gengap.paper import tables as paper

UNPUBLISHED = 0.5  # points, for rows that neither paper has
SHARE_OF_GAP = 4


def published_difference(row: str, a: str, b: str) -> float | None:
    """Published accuracy of method `a` minus that of `b`, in points, from Hoffer et al. or Keskar et al."""
    printed = [_accuracy(row, method) for method in (a, b)]
    return float(printed[0]) - float(printed[1]) if all(printed) else None


def margin_of(row: str) -> float:
    """Margin of a row, in points of accuracy."""
    gap = published_difference(row, "sb", "lb")
    return UNPUBLISHED if gap is None else gap / SHARE_OF_GAP


def _accuracy(row: str, method: str) -> str:
    """Accuracy as printed; empty if neither paper has it."""
    of_keskar = keskar.accuracy(row, method)
    return of_keskar.mean if of_keskar else paper.accuracy(row, method)
