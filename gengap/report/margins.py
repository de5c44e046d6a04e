"""Which difference counts as none: a quarter of the gap that the paper published for that row."""

from gengap.paper import tables as paper

UNPUBLISHED = 0.5  # points, for rows that the paper does not have
SHARE_OF_GAP = 4


def margin_of(row: str) -> float:
    """The margin of a row, in points of accuracy."""
    sb, lb = (paper.accuracy(row, method) for method in ("sb", "lb"))
    return (float(sb) - float(lb)) / SHARE_OF_GAP if sb and lb else UNPUBLISHED
