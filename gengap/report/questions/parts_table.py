"""A question's ablations next to their cells, as a readable table and as numbers."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gengap.paper import tables as paper
from gengap.paper.methods import LABELS
from gengap.report.cells import Group
from gengap.report.comparison_tables import reading
from gengap.report.format import fixed, interval, p_value, percent, signed, spread
from gengap.report.markup import Table
from gengap.report.measure import Measured, measure
from gengap.report.questions.parts import FIRST_UPDATES, Line
from gengap.report.statistics import Summary, summarize
from gengap.runs import read_metrics

UPDATE, NEAREST = 15, 2  # update at which to report the distance, and how far a recorded one may be from it


def table(question: str, lines: Sequence[Line]) -> Table:
    """Make a readable table with one line per ablation."""
    header: tuple[str, ...] = (
        "workload", "method", "with", "cell", "its accuracy %", "with the setting %", "paper", "difference",
        "95 %", "pairs", "p", "p (Holm)", "reads as",
    )  # fmt: skip
    if question == FIRST_UPDATES:
        header += ("distance: cell", "distance: with it", "clipped: cell", "clipped: with it")
    return Table(header, tuple(_row(question, line) for line in lines), labels=4)


def _row(question: str, line: Line) -> tuple[str, ...]:
    c, ours, cell = line.comparison, *_measured(line)
    return (
        *(line.row.title, LABELS[line.method], line.ablation.settings, LABELS[line.ablation.against]),
        *(_accuracy(cell), _accuracy(ours), ours.paper or "–"),
        *((signed(c.value), interval(signed(c.low), signed(c.high)), _pairs(line)) if c else ("", "", "")),
        *((p_value(c.p), p_value(c.p_holm), reading(c)) if c else ("", "", "")),
        *(_first_updates(line) if question == FIRST_UPDATES else ()),
    )


def _measured(line: Line) -> tuple[Measured, Measured | None]:
    """Summarize the ablation and the cell, both compared with the paper's number for that cell."""
    published = paper.accuracy(line.row.name, line.ablation.against)
    return measure(line.group, published), measure(line.cell, published) if line.cell else None


def _accuracy(m: Measured | None) -> str:
    """Format as `97.56 ± 0.12 (n=3) ≈`, with the runs that are left out."""
    if m is None or not m.n:
        return m.note() if m else "missing"
    note = m.note()
    return f"{spread(m.accuracy)} (n={m.n}{'; ' + note if note else ''}) {m.mark}".rstrip()


def _pairs(line: Line) -> str:
    c = line.comparison
    return str(c.seeds[0]) if c and c.paired else "no"


def _first_updates(line: Line) -> Iterator[str]:
    groups = line.cell, line.group
    yield from (spread(distance_at(group)) if group else "" for group in groups)
    yield from (percent(measure(group).clipped, 1) if group else "" for group in groups)


def distance_at(group: Group, update: int = UPDATE) -> Summary | None:
    """Summarize ‖w_t − w_0‖ of finished runs at the recorded update nearest to this one; None if not near."""
    found = []
    for directory in group.finished["directory"]:
        rows = read_metrics(Path(directory))
        row = rows.iloc[int((rows["update"] - update).abs().argmin())]
        if abs(int(row["update"]) - update) <= NEAREST:
            found.append(float(row["distance"]))
    return summarize(found) if found else None


def data(found: Mapping[str, Sequence[Line]]) -> Table:
    """Tabulate all ablations as numbers: percent, points, p-values, distances, fractions of updates."""
    header = (
        "question", "workload", "method", "settings", "against", "n", "mean", "std", "cell_n", "cell_mean",
        "cell_std", "paper", "difference", "low95", "high95", "p", "p_holm", "paired", "distance",
        "cell_distance", "clipped_share", "cell_clipped_share",
    )  # fmt: skip
    rows = (_data_row(question, line) for question, lines in found.items() for line in lines)
    return Table(header, tuple(rows), labels=5)


def _data_row(question: str, line: Line) -> tuple[str, ...]:
    c, ours, cell = line.comparison, *_measured(line)
    distances = [distance_at(group) if group else None for group in (line.group, line.cell)]
    return (
        *(question, line.row.label, line.method, line.ablation.settings, line.ablation.against),
        *(*_numbers(ours), *(_numbers(cell) if cell else ("0", "", "")), ours.paper),
        *((fixed(c.value), fixed(c.low), fixed(c.high)) if c else ("", "", "")),
        *("" if p is None else f"{p:.3g}" for p in ((c.p, c.p_holm) if c else (None, None))),
        "yes" if c and c.paired else "no",
        *(fixed(d.mean) if d else "" for d in distances),
        *(fixed(m.clipped) if m else "" for m in (ours, cell)),
    )


def _numbers(m: Measured) -> tuple[str, str, str]:
    return str(m.n), *((fixed(m.accuracy.mean), fixed(m.accuracy.std)) if m.accuracy else ("", ""))
