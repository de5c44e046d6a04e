"""What a figure of the report is: its words, its data and how it is drawn."""

from collections.abc import Callable
from dataclasses import dataclass, field
from textwrap import fill

from matplotlib.figure import Figure as Drawing

from gengap.report.markup import Table


@dataclass(frozen=True)
class Figure:
    """One figure of the report.

    name: stem of its picture's file. number: the paper's, `Figure 2`; empty where it has none.
    caption: what is drawn, over which runs and window. data: file stem to what is drawn, as numbers.
    tables: heading to a table shown below the picture. missing: one line a gap, with its command.
    draw: makes the picture; None where no run has been recorded yet.
    """

    name: str
    number: str
    title: str
    caption: str
    data: dict[str, Table] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    draw: Callable[[], Drawing] | None = None

    @property
    def heading(self) -> str:
        """`Figure 2: title`, or the title alone."""
        return f"{self.number}: {self.title}" if self.number else self.title


def paragraph(*sentences: str) -> str:
    """A caption's text, broken into lines."""
    return fill(" ".join(sentences), width=108) + "\n"
