"""What the report says, in its order."""

from collections.abc import Sequence
from typing import Any

from gengap.paper import tables as paper
from gengap.report import apart, comparison_tables, tables, words
from gengap.report.cells import Records, Row, rows_of_table
from gengap.report.comparisons import EQUIVALENCE, PRECISION, PROTOCOL, SHARE, STEP, Comparison
from gengap.report.figures import Figure
from gengap.report.markup import Table
from gengap.report.measure import commits, distinct
from gengap.report.overview import counted, gaps
from gengap.report.section import Picture, Section, section
from gengap.report.significance import MARGIN
from gengap.report.speed import targets_table


def report(records: Records, compared: list[Comparison], shown: list[Figure]) -> Section:
    """The whole report."""
    parts = (
        glance(records),
        table(records, 1),
        table(records, 2) if has_table2(records) else Section("Table 2", ("No records of ImageNet yet.\n",)),
        comparisons(compared),
        *(figure(f) for f in shown if f.draw),
        targets(records.speeds) if records.speeds else None,
        section("Variants", words.VARIANTS, apart.variants(records)),
        section("Not finished", words.NOT_FINISHED, apart.unfinished(records)),
        section("Unreadable", words.UNREADABLE, apart.unreadable(records)),
        section("Figures without records", words.NO_FIGURE, absent([f for f in shown if not f.draw])),
        section("Where the numbers come from", origin(records)),
        Section("Rebuild", (words.REBUILD,)),
    )
    return Section("Report", (words.MADE, *(part for part in parts if part)))


def glance(records: Records) -> Section | None:
    """How much there is, how it compares with the paper, and whether the gap opens and closes."""
    return section("At a glance", counted(records), section("The gap, in points", gaps(records)))


def has_table2(records: Records) -> bool:
    """Whether a run is of a workload of Table 2."""
    return bool(records.runs["workload"].isin(paper.workloads(2)).any())


def table(records: Records, number: int) -> Section:
    """A table of the paper beside ours, then its cells at length."""
    rows = rows_of_table(records, number)
    absent_rows = [row.title for row in map(Row, paper.rows(number)) if row not in rows]
    others = any(row.deviation for row in rows)
    blocks = (
        tables.quick(records, number) if rows else "No run is a cell of this table yet.\n",
        words.GLANCE.format(margin=MARGIN) if rows else None,
        words.KINDS if others else None,
        words.SHARED if number == 2 else None,
        f"No records yet of {'; '.join(absent_rows)}.\n" if absent_rows else None,
        section("Every cell", tables.long(records, number), words.MEANING),
    )
    return Section(f"Table {number}", tuple(block for block in blocks if block))


def comparisons(found: list[Comparison]) -> Section:
    """The methods of each row compared."""
    if not found:
        return Section("Comparisons", ("No run is a cell of a table yet.\n",))
    kinds = (
        ("Is +RA equivalent to SB?", EQUIVALENCE),
        ("Share of the gap closed", SHARE),
        ("From column to column", STEP),
        ("Is bf16 as good as fp32?", PRECISION),
        ("What does the released code's protocol change?", PROTOCOL),
    )
    parts = (section(heading, comparison_tables.table(found, kind)) for heading, kind in kinds)
    return Section("Comparisons", (words.COMPARISONS, *(part for part in parts if part)))


def figure(shown: Figure) -> Section:
    """A figure with its caption, its gaps and the tables that belong to it."""
    blocks = (
        Picture(shown.name, shown.heading),
        shown.caption,
        "".join(f"- missing: {line}\n" for line in shown.missing),
        *(section(heading, table) for heading, table in shown.tables.items()),
    )
    return Section(shown.heading, tuple(block for block in blocks if block))


def targets(measurements: Sequence[dict[str, Any]]) -> Section:
    """What the speed aims at, and how near the measurements come."""
    return Section("Targets", (words.TARGETS, targets_table(measurements)))


def absent(figures: list[Figure]) -> Table:
    """The figures that have nothing to draw, and what would change that."""
    return Table(
        ("figure", "what is missing"), tuple((f.heading, "; ".join(f.missing)) for f in figures), labels=2
    )


def origin(records: Records) -> Table:
    """Hardware, commits and versions behind the runs."""
    rows = (
        (str(name), str(len(group)), commits(group), distinct(group, "torch"))
        for name, group in records.runs.groupby("hardware", sort=True)
    )
    return Table(("hardware", "runs", "commits", "torch"), tuple(rows))
