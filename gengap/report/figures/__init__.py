"""The figures of the report, in its order: one module a figure or family, drawing apart from data."""

from gengap.report.cells import Records
from gengap.report.figures import walks
from gengap.report.figures.figure import Figure

__all__ = ["Figure", "figures"]


def figures(records: Records) -> list[Figure]:
    """Every figure; one without records says what is missing and has nothing to draw."""
    return [walks.figure(records)]
