"""Claims about accuracy: the gap, and what closes it."""

from collections.abc import Iterator, Sequence

from gengap.paper import keskar
from gengap.paper.methods import LABELS
from gengap.report.cells import Records, rows_of
from gengap.report.comparison_tables import LEVEL, reading
from gengap.report.comparisons import AS_GOOD, STEP, Comparison, corrected, gap
from gengap.report.findings.claims import Claim, Evidence
from gengap.report.format import interval, p_value, signed
from gengap.report.margins import published_difference
from gengap.report.measure import measure_cell
from gengap.report.questions.paired import brief_points
from gengap.report.rows import Part, Row, part_of

_PARTS = (Part.TABLE1, Part.TABLE2, Part.DEMO)
_GAP = (
    "A row decides at p < 0.05, paired by seed and corrected over the rows below (Holm): it agrees where "
    "SB is above LB, and disagrees where it is below."
)
_AS_GOOD = (
    "A row agrees where +RA is not worse than SB by a quarter of the gap published for the row (0.5 points "
    "where there is none), at p < 0.05, paired by seed and corrected over all rows of the report (Holm). It "
    "disagrees where the whole 95 % interval lies below that. +RA trains on B_L/B_S times as many samples as "
    "SB, where B_L and B_S are their batch sizes."
)
_STEP = (
    "A row decides at p < 0.05, paired by seed and corrected over all steps of all rows of the report "
    "(Holm): it agrees where the step is above 0, and disagrees where it is below. A step that also changes "
    "the factor of the learning rate decides nothing."
)
_SOFTENED = (
    ' In the report, "Steps with these settings" shows the step with softer first updates; it decides '
    "nothing here."
)
_MORE_SAMPLES = " +RA trains on B_L/B_S times as many samples as +GBN."


def claims(records: Records, compared: Sequence[Comparison]) -> list[Claim]:
    """Evaluate the claims of Hoffer et al., in the order of their tables' columns."""
    source = "Hoffer et al., Tables 1 and 2"
    gaps = _gaps(records, rows_of(records, *_PARTS))
    return [
        Claim(
            "A large batch that is trained for as many epochs as a small one generalizes worse.",
            source,
            _GAP,
            gaps,
            "The gap, in points",
            question="Does the large batch generalize worse?",
        ),
        Claim(
            "Trained for as many updates as the small batch, with √ scaling and ghosts, the large batch "
            "generalizes as well.",
            source,
            _AS_GOOD,
            [*_lines(records, compared, AS_GOOD, "lb_ra", "sb")],
            "Is +RA as good as SB?",
            question="Does regime adaptation close the gap?",
        ),
        *(
            Claim(
                statement,
                source,
                _STEP + more,
                [*_lines(records, compared, STEP, a, b)],
                "What does each step change?",
                question=question,
            )
            for statement, question, a, b, more in (
                (
                    "Scaling the learning rate by the square root of the batch size helps.",
                    "Does √ scaling of the learning rate help?",
                    "lb_lr",
                    "lb",
                    _SOFTENED,
                ),
                (
                    "Ghost batch norm, added to that, helps.",
                    "Does ghost batch norm help further?",
                    "lb_gbn",
                    "lb_lr",
                    _SOFTENED,
                ),
                ("Regime adaptation, added to both, helps.", "", "lb_ra", "lb_gbn", _MORE_SAMPLES),
            )
        ),
    ]


def keskar_gap(records: Records) -> Claim:
    """Evaluate the claim on Keskar et al.'s own networks, trained by ADAM with their batch sizes."""
    rows = [row for row in rows_of(records, Part.OTHER) if keskar.title(row.name)]
    return Claim(
        "A large batch (10 % of the data) generalizes worse than one of 256.",
        "Keskar et al., Table 2",
        _GAP,
        _gaps(records, rows),
        "The gap, in points",
        question="Does Keskar et al.'s large batch generalize worse?",
    )


def _gaps(records: Records, rows: Sequence[Row]) -> list[Evidence]:
    found: list[Evidence] = []
    for line in corrected([gap(records, row, "sb", "lb") for row in rows]):
        if line.p_holm is None:
            found += _undecided(records, line, "sb", "lb")
        else:
            excludes = _excludes(line, "sb", "lb")
            told = (
                _numbers(line, "sb", "lb") + excludes,
                brief_points(line) + excludes,
                _paper(line, "sb", "lb"),
            )
            found.append(Evidence(line.row, _agrees(line), *told))
    return found


def _excludes(line: Comparison, a: str, b: str) -> str:
    """State that the interval does not contain the published difference; otherwise empty."""
    published = published_difference(line.row.name, a, b)
    if published is None or line.low is None or line.high is None:
        return ""
    return "" if line.low <= published <= line.high else "; the interval excludes the published difference"


def _lines(records: Records, compared: Sequence[Comparison], kind: str, a: str, b: str) -> Iterator[Evidence]:
    name = f"{LABELS[a]} − {LABELS[b]}"
    for line in compared:
        if line.kind != kind or part_of(line.row.name) not in _PARTS or not line.name.startswith(name):
            continue
        if line.p_holm is not None:
            excludes = _excludes(line, a, b)
            numbers = _numbers(line, a, b) + excludes
            if line.name != name:  # the name says what else changes
                yield Evidence(line.row, None, numbers)
                continue
            brief = brief_points(line) + (_samples(records, line.row) if kind == AS_GOOD else "") + excludes
            yield Evidence(line.row, _agrees(line), numbers, brief, _paper(line, a, b))
        else:
            yield from _undecided(records, line, a, b)


def _agrees(line: Comparison) -> bool | None:
    if line.kind == AS_GOOD:
        return {"as good": True, "better": True, "worse": False}.get(reading(line))
    if line.p_holm is None or line.value is None or line.p_holm >= LEVEL:
        return None
    return line.value > 0


def _numbers(line: Comparison, a: str, b: str) -> str:
    printed = published_difference(line.row.name, a, b)
    paper = "" if printed is None else f"; paper {signed(printed)}"
    p = "" if line.p_holm is None else f", p (Holm) {p_value(line.p_holm)}"
    ends = interval(signed(line.low), signed(line.high))
    about = f"95 %: {ends}; n = {line.n}{p}{paper}"
    return f"{line.row.title}: {line.name} is {signed(line.value)} points ({about})"


def _paper(line: Comparison, a: str, b: str) -> str:
    return signed(published_difference(line.row.name, a, b))


def _samples(records: Records, row: Row) -> str:
    """Format as `, on 32 times the samples`, if recorded."""
    more, one = (measure_cell(records, row, m).samples for m in ("lb_ra", "sb"))
    return f", on {more / one:.3g} times the samples" if more and one and more != one else ""


def _undecided(records: Records, line: Comparison, a: str, b: str) -> Iterator[Evidence]:
    """Yield the difference of cells without a test, mostly for too few seeds, which decides nothing."""
    first, second = (measure_cell(records, line.row, m) for m in (a, b))
    if first.accuracy and second.accuracy:
        value = first.accuracy.mean - second.accuracy.mean if line.value is None else line.value
        names = f"{LABELS[a]} − {LABELS[b]}"
        why = "too few seeds to decide" if line.needs_seeds else line.reason
        about = f"n = {first.n}, {second.n}: {why}"
        yield Evidence(line.row, None, f"{line.row.title}: {names} is {signed(value)} points ({about})")
