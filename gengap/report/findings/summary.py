"""Summary of the page of findings, which is repeated on the README's first screen."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import ceil

from gengap.paper import tables as paper
from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Records, rows_of
from gengap.report.comparisons import gap
from gengap.report.figures.figure import Figure
from gengap.report.findings.claims import (
    HOLDS,
    NOT,
    OPEN,
    PART,
    UNTESTED,
    Claim,
    Evidence,
    counted,
    word,
)
from gengap.report.findings.differing import causes_of, trials_table
from gengap.report.findings.minima import SHARPER_QUESTION
from gengap.report.findings.missing import ALL, cells_not_run, figures_not_drawn, listed
from gengap.report.format import NEAR, signed
from gengap.report.landscape.section import Landscape
from gengap.report.markup import Table
from gengap.report.measure import measure_cell
from gengap.report.questions.paired import points
from gengap.report.questions.section import Questions
from gengap.report.rows import PAPER_TABLES, Row
from gengap.report.section import Plain, Section, section
from gengap.report.statistics import ROUNDING

HEADING, TRIED = "In short", "Settings tried"
_HEADER = ("question", "network", "answer", "measured (95 %)", "paper")
_ANSWER = {HOLDS: "yes", PART: "in part", NOT: "no", OPEN: "open"}
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
    first = _first_precisions(decided)
    sentences = (
        *(_as_published(records, row) for row in rows),
        *(s for row in first for s in causes_of(records, row)),
        *_sharper_not_worse(records, claims),
        _few_seeds(records, single),
        _absent(records, shown, landscape),
        _sweeps_left(questions),
        _untested(claims) if records.are_published else "",  # one's own report would list nearly all
    )
    table = Table(_HEADER, tuple(line for claim in claims for line in _answers(claim)), labels=len(_HEADER))
    found = Plain(tuple(s for s in sentences if s), is_list=True)
    tried = section(TRIED, _TRIED, trials_table(records, [*first, *single]))
    lead = (_lead(decided, single), table) if table.rows else ()
    return Section(HEADING, (*lead, found, *([tried] if tried else [])))


def _lead(decided: Sequence[Row], single: Sequence[Row]) -> Plain:
    told = (
        "Differences of validation accuracy are in points, paired by seed, each with its 95 % interval over "
        "n pairs. An answer also needs p < 0.05, corrected for the number of tests, so it can be open "
        "although the interval excludes 0."
    )
    if decided and single:
        titles, others = (_titles(rows) for rows in (decided, single))
        told += f" The paper's networks with several seeds so far: {titles}. With too few seeds: {others}."
    return Plain((told,))


def _titles(rows: Sequence[Row]) -> str:
    return "; ".join(dict.fromkeys(paper.title(row.name) for row in rows))


def _first_precisions(rows: Sequence[Row]) -> list[Row]:
    """Keep only the first of rows that differ only in precision."""
    return list({(row.name, row.protocol): row for row in reversed(rows)}.values())[::-1]


def _answers(claim: Claim) -> Iterator[tuple[str, ...]]:
    """Yield a line per network in the papers measured with several seeds; only the first has the question."""
    by_row: dict[Row, list[Evidence]] = {}
    for e in claim.evidence:
        if claim.question and e.is_published:
            by_row.setdefault(e.row, []).append(e)
    question = claim.question
    for row in _most_measured({row: found for row, found in by_row.items() if any(e.brief for e in found)}):
        first, *others = by_row[row]
        measured = _several(by_row[row], claim.unit) if others else first.brief
        yield question, row.title, _ANSWER[word([e.agrees for e in by_row[row]])], measured, first.paper
        question = ""


def _most_measured(by_row: Mapping[Row, Sequence[Evidence]]) -> list[Row]:
    """Of rows that differ only in precision, keep the one with the most evidence; the first among equals."""
    fullest = sorted(by_row, key=lambda row: -len(by_row[row]))
    kept = _first_precisions(fullest)
    return [row for row in by_row if row in kept]


def _several(found: Sequence[Evidence], unit: str) -> str:
    """Count the evidence that agrees, and the details: `1 of 2 cells agrees (why: 2)`."""
    decides = any(e.agrees is not None for e in found)
    told = counted([e.agrees for e in found], unit) if decides else f"{len(found)} {unit}, all open"
    times = Counter(e.detail for e in found if e.detail)
    details = "; ".join(f"{detail}: {n}" if n > 1 else detail for detail, n in times.items())
    return f"{told} ({details})" if details else told


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
