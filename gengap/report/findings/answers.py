"""Answers to the main questions: first by network alone, then with what was measured."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from gengap.paper import tables as paper
from gengap.report.findings.claims import HOLDS, NOT, OPEN, PART, Claim, Evidence, counted, word
from gengap.report.markup import Table
from gengap.report.rows import Row, marked
from gengap.report.section import Plain, Section

ANSWERS = Plain(
    (
        "Networks by answer. An answer needs at least two seeds and, where it is about accuracy, p < 0.05, "
        "corrected for the number of tests; otherwise it is open.",
    )
)
_MEASURED = (
    "Differences of validation accuracy are in points, paired by seed, each with its 95 % interval over n "
    "pairs. An answer also needs p < 0.05, corrected for the number of tests, so it can be open although the "
    "interval excludes 0."
)
_HEADER = ("question", "network", "answer", "measured (95 %)", "paper")
_ANSWER = {HOLDS: "yes", PART: "in part", NOT: "no", OPEN: "open"}


def by_answer(claims: Sequence[Claim]) -> Table:
    """Tabulate the networks in the papers by their answer to each question that any of them was run for."""
    lines = []
    for claim in (claim for claim in claims if claim.question):
        found: dict[str, list[str]] = {answer: [] for answer in _ANSWER.values()}
        by_row = _published(claim)
        for row in _most_measured(by_row):
            found[_answer(by_row[row])].append(marked(paper.network(row.name), row.deviation))
        if by_row:
            lines.append((claim.question, *("; ".join(networks) or "–" for networks in found.values())))
    return Table(("question", *_ANSWER.values()), tuple(lines), labels=len(_ANSWER) + 1)


def measured(claims: Sequence[Claim], decided: Sequence[Row], single: Sequence[Row]) -> Section | None:
    """Tabulate the answers of networks with several seeds, with their numbers; None if there are none.

    decided, single: rows with enough and with too few seeds, which are named above the table.
    """
    lines = tuple(line for claim in claims for line in _lines(claim))
    told = _MEASURED
    if decided and single:
        titles, others = (_titles(rows) for rows in (decided, single))
        told += f" The paper's networks with several seeds so far: {titles}. With too few seeds: {others}."
    table = Table(_HEADER, lines, labels=len(_HEADER))
    return Section("Answers in numbers", (Plain((told,)), table)) if lines else None


def first_precisions(rows: Sequence[Row]) -> list[Row]:
    """Keep only the first of rows that differ only in precision."""
    return list({(row.name, row.protocol): row for row in reversed(rows)}.values())[::-1]


def _titles(rows: Sequence[Row]) -> str:
    return "; ".join(dict.fromkeys(paper.title(row.name) for row in rows))


def _lines(claim: Claim) -> Iterator[tuple[str, ...]]:
    """Yield a line per network in the papers measured with several seeds; only the first has the question."""
    by_row = _published(claim) if claim.question else {}
    question = claim.question
    for row in _most_measured({row: found for row, found in by_row.items() if any(e.brief for e in found)}):
        first, *others = by_row[row]
        numbers = _several(by_row[row], claim.unit) if others else first.brief
        yield question, row.title, _answer(by_row[row]), numbers, first.paper
        question = ""


def _published(claim: Claim) -> dict[Row, list[Evidence]]:
    """Group the evidence from networks in the papers by row."""
    by_row: dict[Row, list[Evidence]] = {}
    for e in claim.evidence:
        if e.is_published:
            by_row.setdefault(e.row, []).append(e)
    return by_row


def _answer(found: Sequence[Evidence]) -> str:
    return _ANSWER[word([e.agrees for e in found])]


def _most_measured(by_row: Mapping[Row, Sequence[Evidence]]) -> list[Row]:
    """Of rows that differ only in precision, keep the one with the most evidence; the first among equals."""
    fullest = sorted(by_row, key=lambda row: -len(by_row[row]))
    kept = first_precisions(fullest)
    return [row for row in by_row if row in kept]


def _several(found: Sequence[Evidence], unit: str) -> str:
    """Count the evidence that agrees, and the details: `1 of 2 cells agrees (why: 2)`."""
    decides = any(e.agrees is not None for e in found)
    told = counted([e.agrees for e in found], unit) if decides else f"{len(found)} {unit}, all open"
    times = Counter(e.detail for e in found if e.detail)
    details = "; ".join(f"{detail}: {n}" if n > 1 else detail for detail, n in times.items())
    return f"{told} ({details})" if details else told
