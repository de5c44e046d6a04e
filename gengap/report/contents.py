"""The contents of the report, in order."""

from collections.abc import Sequence
from typing import Any

from gengap.paper import tables as paper
from gengap.report import comparison_tables, other_runs, prose, tables
from gengap.report.cells import Records, rows_of_table
from gengap.report.comparisons import EQUIVALENCE, PRECISION, PROTOCOL, SHARE, STEP, Comparison
from gengap.report.figures import Figure
from gengap.report.markup import Table
from gengap.report.measure import commits, distinct
from gengap.report.overview import counts, gaps
from gengap.report.rows import Row
from gengap.report.section import Picture, Section, section
from gengap.report.significance import MARGIN
from gengap.report.speed import targets_table


def report(records: Records, compared: list[Comparison], shown: list[Figure]) -> Section:
    """The whole report."""
    parts = (
        glance(records),
        table(records, 1),
        table(records, 2) if has_table2(records) else Section("Table 2", ("No records for ImageNet yet.\n",)),
        comparisons(compared),
        *(figure(f) for f in shown if f.draw),
        targets(records.speeds) if records.speeds else None,
        section("Variants", prose.VARIANTS, other_runs.variants(records)),
        section("Unfinished runs", prose.NOT_FINISHED, other_runs.unfinished(records)),
        section("Unreadable records", prose.UNREADABLE, other_runs.unreadable(records)),
        section("Figures without records", prose.NO_FIGURE, absent([f for f in shown if not f.draw])),
        section("Provenance", origin(records)),
        Section("Rebuild", (prose.REBUILD,)),
    )
    return Section("Report", (prose.MADE, *(part for part in parts if part)))


def glance(records: Records) -> Section | None:
    """How many cells there are, how they compare with the paper, and whether the gap opens and closes."""
    return section("At a glance", counts(records), section("The gap, in points", gaps(records)))


def has_table2(records: Records) -> bool:
    """Whether there are runs of a workload of Table 2."""
    return bool(records.runs["workload"].isin(paper.workloads(2)).any())


def table(records: Records, number: int) -> Section:
    """A table of the paper next to ours, then its cells in detail."""
    rows = rows_of_table(records, number)
    absent_rows = [row.title for row in map(Row, paper.rows(number)) if row not in rows]
    others = any(row.deviation for row in rows)
    blocks = (
        tables.quick(records, number) if rows else "No runs for this table yet.\n",
        prose.GLANCE.format(margin=MARGIN) if rows else None,
        prose.KINDS if others else None,
        prose.SHARED if number == 2 else None,
        f"No records yet for {'; '.join(absent_rows)}.\n" if absent_rows else None,
        section("Every cell", tables.detailed(records, number), prose.MEANING),
    )
    return Section(f"Table {number}", tuple(block for block in blocks if block))


def comparisons(found: list[Comparison]) -> Section:
    """Comparisons between the cells of each row."""
    if not found:
        return Section("Comparisons", ("No runs for the tables yet.\n",))
    kinds = (
        ("Is +RA equivalent to SB?", EQUIVALENCE),
        ("Share of the gap closed", SHARE),
        ("What does each step change?", STEP),
        ("Is bf16 as good as fp32?", PRECISION),
        ("What does the released code's protocol change?", PROTOCOL),
    )
    parts = (section(heading, comparison_tables.table(found, kind)) for heading, kind in kinds)
    return Section("Comparisons", (prose.COMPARISONS, *(part for part in parts if part)))


def figure(shown: Figure) -> Section:
    """A figure with its caption, what is missing from it, and its tables."""
    blocks = (
        Picture(shown.name, shown.heading),
        shown.caption,
        "".join(f"- missing: {line}\n" for line in shown.missing),
        *(section(heading, table) for heading, table in shown.tables.items()),
    )
    return Section(shown.heading, tuple(block for block in blocks if block))


def targets(measurements: Sequence[dict[str, Any]]) -> Section:
    """The speed targets and the measurements."""
    return Section("Targets", (prose.TARGETS, targets_table(measurements)))


def absent(figures: list[Figure]) -> Table:
    """The figures that have nothing to draw, and the runs that they need."""
    return Table(
        ("figure", "what is missing"), tuple((f.heading, "; ".join(f.missing)) for f in figures), labels=2
    )


def origin(records: Records) -> Table:
    """Hardware, commits and torch versions of the runs."""
    rows = (
        (str(name), str(len(group)), commits(group), distinct(group, "torch"))
        for name, group in records.runs.groupby("hardware", sort=True)
    )
    return Table(("hardware", "runs", "commits", "torch"), tuple(rows))
