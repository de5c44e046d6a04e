"""Summary of the page of findings, whose beginning the README repeats."""

from collections.abc import Iterator, Sequence
from math import ceil

from gengap.paper import tables as paper
from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Records, rows_of
from gengap.report.comparisons import gap
from gengap.report.figures.figure import Figure
from gengap.report.findings.answers import ANSWERS, by_answer, first_precisions, measured
from gengap.report.findings.claims import UNTESTED, Claim
from gengap.report.findings.differing import causes_of, trials_table
from gengap.report.findings.minima import SHARPER_QUESTION
from gengap.report.findings.missing import ALL, cells_not_run, figures_not_drawn, listed
from gengap.report.format import NEAR, signed
from gengap.report.landscape.section import Landscape
from gengap.report.measure import measure_cell
from gengap.report.questions.paired import points
from gengap.report.questions.section import Questions
from gengap.report.rows import PAPER_TABLES, Row
from gengap.report.section import Plain, Section, section
from gengap.report.statistics import ROUNDING

HEADING, TRIED = "In short", "Settings tried"
_TRIED = Plain(
    (
        "Accuracy (%) in rows with cells more than a quarter of the published gap from the published number, "
        "with the settings tried on them.",
    )
)


def summary(
    records: Records,
    shown: Sequence[Figure],
    landscape: Landscape,
    questions: Questions,
    claims: Sequence[Claim],
) -> Section:
    """Summarize what several seeds say about the main claims, which numbers differ and why, and omissions."""
    rows = rows_of(records, *PAPER_TABLES)
    decided = [row for row in rows if gap(records, row, "sb", "lb").low is not None]
    names = {row.name for row in decided}
    single = [row for row in rows if row.name not in names]
    first = first_precisions(decided)
    sentences = (
        *(_as_published(records, row) for row in rows),
        *(s for row in first for s in causes_of(records, row)),
        *_sharper_not_worse(records, claims),
        _few_seeds(records, single),
        _absent(records, shown, landscape),
        _sweeps_left(questions),
        _untested(claims) if records.are_published else "",  # one's own report would list nearly all
    )
    answers = by_answer(claims)
    found = Plain(tuple(s for s in sentences if s), is_list=True)
    tried = section(TRIED, _TRIED, trials_table(records, [*first, *single]))
    lead = (ANSWERS, answers) if answers.rows else ()
    below = (measured(claims, decided, single), tried)
    return Section(HEADING, (*lead, found, *(part for part in below if part)))


def _as_published(records: Records, row: Row) -> str:
    """Name a row whose cells all match the papers, if several seeds say so for SB, LB and another cell."""
    cells = [cell for m in METHODS if (cell := measure_cell(records, row, m)).mark]
    methods = {cell.method for cell in cells}
    if not {"sb", "lb"} < methods or any(cell.mark != NEAR or cell.n < 2 for cell in cells):
        return ""
    labels = ", ".join(LABELS[cell.method] for cell in cells)
    most = ceil(100 * max(abs(cell.difference or 0.0) for cell in cells) - ROUNDING) / 100
    return f"{row.title}: {labels} are within {most:.2f} points of the published numbers."


def _sharper_not_worse(records: Records, claims: Sequence[Claim]) -> Iterator[str]:
    """Name the networks whose sharper minimum is not shown to generalize worse."""
    for e in (e for c in claims if c.question == SHARPER_QUESTION for e in c.evidence if e.is_published):
        line = gap(records, e.row, "sb", "lb")
        if e.agrees and line.low is not None and line.low <= 0:
            yield (
                f"{e.row.title}: the large batch ends in the sharper minimum, but is not shown to generalize "
                f"worse: {points(line)}."
            )


def _few_seeds(records: Records, rows: Sequence[Row]) -> str:
    """State how many cells of undecided rows are near the published number, and which are not."""
    compared = [row for row in rows if row.name not in paper.UNDESCRIBED]
    found = [(row, cell) for row in compared for m in METHODS if (cell := measure_cell(records, row, m)).mark]
    if not found:
        return ""
    off: dict[str, list[str]] = {}
    for row, cell in found:
        if cell.mark != NEAR:
            off.setdefault(row.title, []).append(f"{LABELS[cell.method]} {signed(cell.difference)}")
    titles = "; ".join(dict.fromkeys(row.title for row, _ in found))
    near = sum(cell.mark == NEAR for _, cell in found)
    below = sum((cell.difference or 0.0) < 0 for _, cell in found)
    ours = "; ".join(dict.fromkeys(paper.title(row.name) for row in rows if row not in compared))
    undescribed = f" {ours} is left out, because its network and recipe are ours." if ours else ""
    told = (
        f"{titles}: of {len(found)} cells with too few seeds, {near} differ from the published number by at "
        f"most a quarter of the published gap, and {below} are below it"
    )
    listed = "; ".join(f"{title}, {', '.join(cells)}" for title, cells in off.items())
    farther = f" Farther from it, in points: {listed}." if listed else ""
    return f"{told}.{farther}{undescribed}"


def _absent(records: Records, shown: Sequence[Figure], landscape: Landscape) -> str:
    left = [(name, listed(methods)) for (_, name), methods in cells_not_run(records).items()]
    left = sorted(left, key=lambda cells: cells[1] != ALL)
    cells = [paper.title(name) if which == ALL else f"{which} of {paper.title(name)}" for name, which in left]
    numbers = ", ".join(n.removeprefix("Figure ") for n, _ in figures_not_drawn(shown, landscape))
    absent = "; ".join([*cells, *([f"figures {numbers}"] if numbers else [])])
    return f"Not run yet: {absent}." if absent else ""


def _sweeps_left(questions: Questions) -> str:
    left = ", ".join(questions.sweeps_left)
    return f"Sweeps on further questions not begun yet: {left}." if left else ""


def _untested(claims: Sequence[Claim]) -> str:
    left = [claim.statement for claim in claims if claim.verdict == UNTESTED]
    named = "; ".join(f"{s[0].lower()}{s[1:].removesuffix('.')}" for s in left)
    return f"Claims not tested yet: {named}." if named else ""
