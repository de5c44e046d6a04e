"""What +LR and +GBN change once the first updates are softened, by steps of equal settings."""

from collections.abc import Iterator, Sequence

from gengap.paper.methods import LABELS
from gengap.report.cells import Group, Records
from gengap.report.comparison_tables import reading
from gengap.report.comparisons import SETTING, Comparison, corrected
from gengap.report.format import interval, p_value, signed
from gengap.report.margins import published_difference
from gengap.report.markup import Table
from gengap.report.questions.paired import compared
from gengap.report.questions.parts import Line
from gengap.report.rows import Row

_STEPS = (("lb_lr", "lb"), ("lb_gbn", "lb_lr"))
# Without a scaled rate, these settings change nothing: LB with them is the same run as LB without
_OF_SCALED_RATES = ("method.warmup_epochs", "protocol.reference_batch")

Ablations = dict[tuple[Row, str, frozenset[str]], Group]  # by row, method and settings


def table(records: Records, lines: Sequence[Line]) -> Table:
    """Tabulate a line for each row, setting and step whose sides were both run, corrected over the lines."""
    ablations: Ablations = {
        (line.row, line.method, _words(line.ablation.settings)): line.group for line in lines
    }
    kinds = dict.fromkeys((line.row, line.ablation.settings) for line in lines)
    found = [step for row, settings in kinds for step in _steps(records, ablations, row, settings)]
    adjusted = corrected([comparison for *_, comparison in found])
    header = (
        "workload", "with", "step", "difference", "95 %", "pairs", "p", "p (Holm)", "reads as", "paper",
    )  # fmt: skip
    rows = (_row(*step[:-1], c) for step, c in zip(found, adjusted, strict=True))
    return Table(header, tuple(rows), labels=3)


def _words(settings: str) -> frozenset[str]:
    return frozenset(settings.split())


def _steps(
    records: Records, ablations: Ablations, row: Row, settings: str
) -> Iterator[tuple[Row, str, tuple[str, str], Comparison]]:
    for a, b in _STEPS:
        first, second = (_side(records, ablations, row, method, settings) for method in (a, b))
        if first and second and first.accuracies and second.accuracies:
            sides = {LABELS[a]: first, LABELS[b]: second}
            yield row, settings, (a, b), compared(SETTING, row, sides)[0]


def _side(records: Records, ablations: Ablations, row: Row, method: str, settings: str) -> Group | None:
    words = _words(settings)
    if method == "lb":
        words = frozenset(w for w in words if not w.startswith(_OF_SCALED_RATES))
    return ablations.get((row, method, words)) if words else records.cell(row, method)


def _row(row: Row, settings: str, step: tuple[str, str], c: Comparison) -> tuple[str, ...]:
    pairs = str(c.seeds[0]) if c.paired else "no"
    return (
        *(row.title, settings, c.name, signed(c.value), interval(signed(c.low), signed(c.high)), pairs),
        *(p_value(c.p), p_value(c.p_holm), reading(c)),
        signed(published_difference(row.name, *step)) or "–",
    )
