"""The page of findings: summary, a table of all claims, each claim's numbers, what is not reproduced."""

from collections.abc import Sequence

from gengap.paper import tables as paper
from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Records, rows_of
from gengap.report.comparisons import Comparison
from gengap.report.figures.figure import Figure
from gengap.report.findings import accuracy, controls, matched, minima, prose, random_walk, remedies, walking
from gengap.report.findings.causes import trials
from gengap.report.findings.claims import Claim
from gengap.report.findings.cost import costs
from gengap.report.findings.missing import cells_not_run, figures_not_drawn, listed
from gengap.report.findings.summary import summary
from gengap.report.format import NEAR, signed, spread
from gengap.report.landscape.section import Landscape
from gengap.report.markup import Table
from gengap.report.measure import Measured, measure_cell
from gengap.report.questions.section import Questions
from gengap.report.rows import PAPER_TABLES
from gengap.report.section import Plain, Section, section

FILE = "findings.md"


def findings(
    records: Records,
    compared: Sequence[Comparison],
    shown: Sequence[Figure],
    landscape: Landscape,
    questions: Questions,
) -> Section | None:
    """Build the whole page; None if nothing has been tested."""
    found = [
        *accuracy.claims(records, compared),
        *controls.claims(questions),
        *walking.claims(records),
        matched.claim(records),
        *random_walk.claims(landscape),
        accuracy.keskar_gap(records),
        *minima.claims(records, landscape),
        *remedies.claims(landscape),
    ]
    if not any(claim.evidence for claim in found):
        return None
    parts = (
        summary(records, shown, landscape, questions, found),
        Section("Every claim", (prose.EVERY, _table(found))),
        *(_claim(claim) for claim in found),
        section("Numbers that are not reproduced", prose.NUMBERS, _numbers(records)),
        section("Not tested", prose.NOT_TESTED, Plain(_not_run(records, shown, landscape), is_list=True)),
    )
    return Section("Findings", (prose.MADE, *(part for part in parts if part)))


def _table(found: Sequence[Claim]) -> Table:
    rows = ((c.statement, c.source, c.verdict, c.tested_on) for c in found)
    return Table(("claim", "source", "verdict", "rows"), tuple(rows), labels=4)


def _claim(claim: Claim) -> Section:
    told = [f"{claim.source}. {claim.rule}"]
    if not claim.evidence:
        told.append("Nothing has been run for it yet.")
    see = (f'The numbers are in the report under "{claim.see}".',) if claim.see and claim.evidence else ()
    lines = Plain(tuple(f"{e.text}: {_word(e.agrees)}." for e in claim.evidence), is_list=True)
    note = Plain((claim.note,)) if claim.note else None
    heading = f"{claim.statement} – {claim.verdict}"
    blocks = (Plain((*told, *see)), lines if claim.evidence else None, note)
    return Section(heading, tuple(block for block in blocks if block))


def _word(agrees: bool | None) -> str:
    return "open" if agrees is None else "agrees" if agrees else "disagrees"


def _numbers(records: Records) -> Table:
    """Tabulate the cells outside the margin around the paper's number, and the conjectured cause of each."""
    rows = []
    for row in rows_of(records, *PAPER_TABLES):
        for cell in (measure_cell(records, row, m) for m in METHODS):
            if cell.mark and cell.mark != NEAR:
                ours = spread(cell.accuracy), str(cell.n), cell.paper
                difference = f"{signed(cell.difference)} {cell.mark}"
                rows.append((row.title, LABELS[cell.method], *ours, difference, *_tested(records, cell)))
    header = ("workload", "method", "ours", "n", "paper", "difference", "conjectured cause", "tested")
    return Table(header, tuple(rows), labels=2)


def _tested(records: Records, cell: Measured) -> tuple[str, str]:
    cause, found = trials(records, cell)
    return cause or "unknown", "; ".join(trial.outcome for trial in found)


def _not_run(records: Records, shown: Sequence[Figure], landscape: Landscape) -> tuple[str, ...]:
    cells = cells_not_run(records).items()
    lines = (
        f"Table {number}, {paper.title(name)}: {listed(left)}; {costs(records, name, left)}."
        for (number, name), left in cells
    )
    return (*lines, *(f"{number}: {title}." for number, title in figures_not_drawn(shown, landscape)))
