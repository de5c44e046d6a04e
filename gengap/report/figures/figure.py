"""A figure of the report: its text, its data and how to draw it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from textwrap import fill

from matplotlib.figure import Figure as Drawing

from gengap.report.cells import Records
from gengap.report.markup import Table
from gengap.report.section import WIDTH, Plain


@dataclass(frozen=True)
class Figure:
    """One figure of the report.

    name: stem of its files. number: number in the paper, `Figure 2`; empty if it is not in the paper.
    caption: what is drawn, over which runs. details: how it was measured, read off or fitted; folded away on
    the page. data: the drawn numbers as tables, by file stem. tables: tables shown below the picture, by
    heading. missing: one line per curve without runs, with the command that trains it; empty if none was
    requested. draw: makes the picture; None if there is nothing to draw.
    """

    name: str
    number: str
    title: str
    caption: str
    details: str | Plain = ""
    data: dict[str, Table] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    draw: Callable[[], Drawing] | None = None

    def renamed(self, name: str) -> "Figure":
        """Return the figure with its files under another name."""
        data = {name if stem == self.name else stem: table for stem, table in self.data.items()}
        return replace(self, name=name, data=data)

    @property
    def heading(self) -> str:
        """Heading such as `Figure 2: title`, or only the title."""
        return f"{self.number}: {self.title}" if self.number else self.title


def no_records(records: Records, sweep: str, *, begun: bool = False) -> tuple[str, ...]:
    """State what a figure with nothing to draw is missing; in a user's own folder, only if `begun`."""
    asked_for = begun or records.are_published
    return (f"no records yet: {records.command(f'+sweep={sweep}')}",) if asked_for else ()


def paragraph(*sentences: str) -> str:
    """Join sentences into one wrapped paragraph."""
    return fill(" ".join(sentences), width=WIDTH) + "\n"
