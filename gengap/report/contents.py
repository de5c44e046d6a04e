"""The contents of the report, in order."""

from collections.abc import Sequence
from typing import Any

from gengap.paper import tables as paper
from gengap.report import comparison_tables, other_runs, prose, same_images, tables
from gengap.report.cells import Records, parts, rows_of
from gengap.report.comparisons import AS_GOOD, PRECISION, PROTOCOL, SHARE, STEP, Comparison
from gengap.report.figures import Figure, norms_elsewhere, own_runs
from gengap.report.landscape.section import Landscape
from gengap.report.markup import Table
from gengap.report.origins import continued, origin
from gengap.report.overview import counts, gaps
from gengap.report.questions.section import Questions
from gengap.report.rows import PAPER_TABLES, Part, Row
from gengap.report.section import Details, Picture, Plain, Section, section
from gengap.report.speed import targets_table

ABSENT, MISSING = "Figures not drawn", "missing: "  # texts that precede commands


def report(
    records: Records,
    compared: list[Comparison],
    shown: list[Figure],
    landscape: Landscape,
    questions: Questions,
) -> Section:
    """Build the whole report."""
    own = not records.are_published
    heading = ("Runs", prose.OWN_RUNS) if own else ("Variants", prose.VARIANTS)
    runs = (
        section(*heading, other_runs.variants(records, questions.runs)),
        *(figure(f) for f in shown if f.draw and f.name.startswith(own_runs.PREFIX)),
    )
    found = (
        glance(records, landscape),
        *_tables(records),
        *(runs if own else ()),
        None if own and not compared else comparisons(compared),
        *questions.sections,
        _same_images(records, questions),
        *(figure(f) for f in shown if f.draw and not f.name.startswith(own_runs.PREFIX)),
        section(norms_elsewhere.HEADING, prose.NORMS, norms_elsewhere.norms_elsewhere(records)),
        landscape.section([figure(f) for f in landscape.figures]),
        *landscape.experiments,
        targets(records.speeds) if records.speeds else None,
        *(() if own else runs),
        section("Unfinished runs", prose.NOT_FINISHED, other_runs.unfinished(records)),
        section("Runs on other data", prose.OTHER_DATA, other_runs.incomparable(records, "data")),
        section("Runs of another network", prose.OTHER_NETWORK, other_runs.incomparable(records, "network")),
        section("Unreadable records", prose.UNREADABLE, other_runs.unreadable(records)),
        section(ABSENT, prose.NO_FIGURE, absent([f for f in shown if not f.draw])),
        section(
            "Provenance", origin(records), section("Continued runs", prose.CONTINUED, continued(records))
        ),
        Section("Rebuild", (prose.REBUILD,)),
    )
    left_out = _left_out(records, compared) if own else ""
    made = f"{prose.MADE}\n{left_out}" if left_out else prose.MADE
    return Section("Report", (made, *(part for part in found if part)))


def _tables(records: Records) -> list[Section]:
    """Build a section per table, those with rows first; empty ones only in the project's own report."""
    present = sorted(parts(records), key=lambda part: part in PAPER_TABLES and not rows_of(records, part))
    if records.are_published:
        no_table2 = Section(Part.TABLE2.heading, (prose.NO_TABLE2,))
        return [table(records, p) for p in present] + [no_table2] * (Part.TABLE2 not in present)
    own = {Part.OTHER} if _own_workloads(records) else set()
    return [table(records, part) for part in present if part in own or rows_of(records, part)]


def _left_out(records: Records, compared: Sequence[Comparison]) -> str:
    """Write the sentence about what has no runs in a user's own folder; empty if everything has."""
    empty = [part.heading for part in PAPER_TABLES if not rows_of(records, part)]
    empty += [] if compared else ["the comparisons of methods"]
    *first, last = empty or [""]
    listed = f"{', '.join(first)} and {last}" if first else last
    return f"Without runs so far, and left out: {listed}.\n" if listed else ""


def _same_images(records: Records, questions: Questions) -> Section | None:
    lines = [line for found in questions.answered.values() for line in found]
    return section("Single runs on the same images", prose.SAME_IMAGES, same_images.table(records, lines))


def glance(records: Records, landscape: Landscape) -> Section | None:
    """Build "At a glance": number of cells in the paper's tables, how they compare, and the gap."""
    told = landscape.glance
    surfaces = (prose.GLANCE_LANDSCAPE, Plain(told, is_list=True)) if told else ()
    return section("At a glance", counts(records), *surfaces, _gap(records, *PAPER_TABLES))


def _gap(records: Records, *chosen: Part) -> Section | None:
    return section("The gap, in points", gaps(records, *chosen))


def table(records: Records, part: Part) -> Section:
    """Build the section with our rows, next to the paper's if it has them, then their cells in detail."""
    rows = rows_of(records, part)
    own = _own_workloads(records) if part is Part.OTHER else None
    blocks = (
        prose.ABOUT.get(part),
        tables.quick(records, part) if rows else None if own else "No runs for this table yet.\n",
        prose.GLANCE if rows and part in PAPER_TABLES else None,
        prose.KINDS if any(row.deviation for row in rows) else None,
        prose.SHARED if part is Part.TABLE2 else None,
        *(_absent_rows(PAPER_TABLES[part], rows) if part in PAPER_TABLES else ()),
        _gap(records, part) if part not in PAPER_TABLES else None,
        section("Top-5", prose.TOP5, tables.top5(records, part)),
        _every_cell(records, part),
        own,
    )
    return Section(part.heading, tuple(block for block in blocks if block))


def _every_cell(records: Records, part: Part) -> Section | None:
    missing = tables.missing(records, part)
    return section(
        "Every cell",
        tables.detailed(records, part),
        Plain((f"No records yet of {missing}.",)) if missing else None,
        Details("What the columns mean", prose.MEANING),
    )


def _own_workloads(records: Records) -> Section | None:
    return section("Without an experiment", prose.OWN, other_runs.own_workloads(records))


def _absent_rows(number: int, rows: list[Row]) -> tuple[str, str]:
    """List the rows without any records, then those that only have marked ones."""
    there = dict.fromkeys(row.name for row in rows)
    if not rows:
        return "", ""  # already stated more briefly
    nothing = "; ".join(paper.title(name) for name in paper.rows(number) if name not in there)
    only_marked = "; ".join(paper.title(name) for name in there if Row(name) not in rows)
    return (
        f"No records yet for {nothing}.\n" if nothing else "",
        f"No records in fp32 following the paper yet for {only_marked}.\n" if only_marked else "",
    )


def comparisons(found: list[Comparison]) -> Section:
    """Build the section on comparisons between the cells of each row."""
    if not found:
        return Section("Comparisons", ("No runs for the tables yet.\n",))
    if all(line.needs_seeds for line in found):
        return Section("Comparisons", (prose.NO_COMPARISON,))
    kinds = (
        ("Is +RA as good as SB?", AS_GOOD),
        ("Share of the gap closed", SHARE),
        ("What does each step change?", STEP),
        ("Is bf16 as good as fp32?", PRECISION),
        ("What does the released code's protocol change?", PROTOCOL),
    )
    told = (prose.COMPARISONS, Details("How to read the comparisons", prose.COMPARED))
    shown = (section(heading, *_compared(found, kind)) for heading, kind in kinds)
    return Section("Comparisons", (*told, *(part for part in shown if part)))


def _compared(found: Sequence[Comparison], kind: str) -> tuple[Table | None, Plain | None]:
    table, left = comparison_tables.table(found, kind), comparison_tables.too_few_seeds(found, kind)
    return table if table.rows else None, Plain((left,)) if left else None


def figure(shown: Figure) -> Section:
    """Build the section of a figure, with its caption, what is missing from it, and its tables."""
    blocks = (
        Picture(shown.name, shown.heading),
        shown.caption,
        Details("Details", shown.details) if shown.details else None,
        Plain(tuple(f"{MISSING}{line}" for line in shown.missing), is_list=True) if shown.missing else None,
        *(section(heading, table) for heading, table in shown.tables.items()),
    )
    return Section(shown.heading, tuple(block for block in blocks if block))


def targets(measurements: Sequence[dict[str, Any]]) -> Section:
    """Build the section on speed targets and measurements."""
    return Section("Targets", (prose.TARGETS, targets_table(measurements)))


def absent(figures: list[Figure]) -> Table:
    """List the figures that have nothing to draw, and the runs they need."""
    rows = ((f.heading, "; ".join(f.missing)) for f in figures if f.missing)
    return Table(("figure", "what is missing"), tuple(rows), labels=2)
