"""The page of findings in a few sentences, which the README's first screen repeats."""

from collections.abc import Iterator, Sequence

from gengap.paper import tables as paper
from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Records, rows_of
from gengap.report.comparison_tables import reading
from gengap.report.comparisons import AS_GOOD, Comparison, gap
from gengap.report.figures.figure import Figure
from gengap.report.findings.causes import trials
from gengap.report.findings.claims import Claim
from gengap.report.findings.missing import ALL, cells_not_run, figures_not_drawn, listed
from gengap.report.format import NEAR, interval, signed, spread
from gengap.report.margins import published_difference
from gengap.report.measure import measure_cell
from gengap.report.rows import PAPER_TABLES, Row
from gengap.report.section import Plain, Section

HEADING = "In short"
MOST = 3  # rows of a claim whose numbers are told
_GAP = {1: "the large batch generalizes worse", -1: "the large batch generalizes better"}
_WHERE = {1: "above LB", -1: "below LB", 0: "where LB does, within the error"}
_RA = {
    "better": "does better than the small batch",
    "as good": "does as well as the small batch",
    "worse": "does worse than the small batch",
}


def summary(
    records: Records, compared: Sequence[Comparison], shown: Sequence[Figure], claims: Sequence[Claim]
) -> Section:
    """What came out where several seeds decide, what single seeds say, some claims, and what is missing."""
    rows = rows_of(records, *PAPER_TABLES)
    decided: dict[str, Row] = {}
    for row in rows:
        if gap(records, row, "sb", "lb").low is not None:
            decided.setdefault(row.name, row)
    sentences = (
        *(s for row in decided.values() for s in _row(records, compared, row)),
        *(_as_published(records, row) for row in rows),
        _few_seeds(records, [row for row in rows if row.name not in decided]),
        *(_claim(claim) for claim in claims if claim.evidence),
        _absent(records, shown),
    )
    return Section(HEADING, (Plain(tuple(s for s in sentences if s), is_list=True),))


def _row(records: Records, compared: Sequence[Comparison], row: Row) -> Iterator[str]:
    """The gap of one row and how +RA compares with SB; then what the other two steps do."""
    found = gap(records, row, "sb", "lb")
    told = f"{row.title}: {_GAP.get(_sign(found), 'whether the large batch generalizes worse is open')}. "
    told += f"{_points(row, found, 'sb', 'lb')}."
    for line in compared:
        if line.kind == AS_GOOD and line.row == row and line.low is not None:
            does = _RA.get(reading(line), "may or may not do as well as the small batch")
            points = _points(row, line, "lb_ra", "sb")
            told += f" Regime adaptation {does}{_samples(records, row)}: {points}."
    yield told
    steps = {m: gap(records, row, m, "lb") for m in ("lb_lr", "lb_gbn")}
    for sign, where in _WHERE.items():
        here = [m for m, line in steps.items() if line.low is not None and _sign(line) == sign]
        if here:
            lead = f"{' and '.join(LABELS[m] for m in here)} {'ends' if len(here) == 1 else 'end'} {where}"
            points = ", ".join(_points(row, steps[m], m, "lb") for m in here)
            yield f"{row.title}: {lead}. {points}.{''.join(_suspected(records, row, here))}"


def _samples(records: Records, row: Row) -> str:
    """`, on 32 times the samples`, where recorded."""
    more, one = (measure_cell(records, row, m).samples for m in ("lb_ra", "sb"))
    return f", on {more / one:.3g} times the samples" if more and one and more != one else ""


def _suspected(records: Records, row: Row, methods: Sequence[str]) -> Iterator[str]:
    """The suspected causes, and where the methods end with the settings that test them."""
    ends: dict[str, dict[str, list[str]]] = {}
    for cell in (measure_cell(records, row, m) for m in methods):
        cause, found = trials(records, cell) if cell.mark != NEAR else ("", [])
        for trial in found:
            if trial.found:
                about = f"n = {trial.found.n}; paper {cell.paper}"
                end = f"{LABELS[cell.method]} {spread(trial.found.accuracy)} ({about})"
                ends.setdefault(cause, {}).setdefault(trial.words, []).append(end)
    for cause, by_words in ends.items():
        told = (f" With {words}: {', '.join(found)}." for words, found in by_words.items())
        yield f" Suspected cause: {cause}.{''.join(told)}"


def _as_published(records: Records, row: Row) -> str:
    """A row whose cells all come out as published, if several seeds say so of SB, LB and another one."""
    cells = [cell for m in METHODS if (cell := measure_cell(records, row, m)).mark]
    methods = {cell.method for cell in cells}
    if not {"sb", "lb"} < methods or any(cell.mark != NEAR or cell.n < 2 for cell in cells):
        return ""
    told = (f"{LABELS[c.method]} {spread(c.accuracy)} (n = {c.n}; paper {c.paper})" for c in cells)
    return f"{row.title}: {', '.join(told)}: as published, within a quarter of the published gap."


def _few_seeds(records: Records, rows: Sequence[Row]) -> str:
    """How many cells of rows that decide nothing are near the published number, and which are not."""
    found = [(row, cell) for row in rows for m in METHODS if (cell := measure_cell(records, row, m)).mark]
    if not found:
        return ""
    off: dict[str, list[str]] = {}
    for row, cell in found:
        if cell.mark != NEAR:
            off.setdefault(row.title, []).append(f"{LABELS[cell.method]} {signed(cell.difference)}")
    titles = "; ".join(dict.fromkeys(row.title for row, _ in found))
    near = sum(cell.mark == NEAR for _, cell in found)
    told = (
        f"{titles}: too few seeds to decide anything. {near} of {len(found)} cells are within a quarter of "
        "the published gap of the paper's number"
    )
    listed = "; ".join(f"{title}, {', '.join(cells)}" for title, cells in off.items())
    return f"{told}; the others differ by more, in points: {listed}." if listed else f"{told}."


def _claim(claim: Claim) -> str:
    """The verdict, and what the networks of the papers say; where they are many, how many agree."""
    statement = claim.statement.removesuffix(".")
    published = [e for e in claim.evidence if e.is_published]
    deciding = [e for e in published if e.agrees is not None]
    if 0 < len(published) <= MOST:  # whose numbers name the networks
        told = f"{statement}: {claim.word}"
        return ". ".join([told, *(e.brief or e.text for e in deciding or published)]) + "."
    agree = sum(bool(e.agrees) for e in deciding) or "none"
    counts = f"Of the {len(published)} cells measured, {len(deciding)} decide, {agree} of them in favor."
    return f"{statement}: {claim.verdict}. {counts}"


def _absent(records: Records, shown: Sequence[Figure]) -> str:
    left = [(name, listed(methods)) for (_, name), methods in cells_not_run(records).items()]
    left = sorted(left, key=lambda cells: cells[1] != ALL)
    cells = [paper.title(name) if which == ALL else f"{which} of {paper.title(name)}" for name, which in left]
    numbers = ", ".join(figure.number.removeprefix("Figure ") for figure in figures_not_drawn(shown))
    absent = "; ".join([*cells, *([f"figures {numbers}"] if numbers else [])])
    return f"Not run yet: {absent}." if absent else ""


def _points(row: Row, line: Comparison, a: str, b: str) -> str:
    """`SB − LB is +0.83 points (95 %: +0.73 to +0.93; n = 5, 5; paper +1.22)`."""
    published = published_difference(row.name, a, b)
    paper = "" if published is None else f"; paper {signed(published)}"
    ends, seeds = interval(signed(line.low), signed(line.high)), ", ".join(map(str, line.seeds))
    return f"{line.name} is {signed(line.value)} points (95 %: {ends}; n = {seeds}{paper})"


def _sign(line: Comparison) -> int:
    """1 or -1 where the 95 % interval excludes 0, else 0."""
    if line.low is None or line.high is None:
        return 0
    return (line.low > 0) - (line.high < 0)
