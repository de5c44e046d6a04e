"""Keskar et al.'s remedies next to the plain small and large batch: accuracy and sharpness."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from gengap.config.identity import as_typed
from gengap.paper import keskar
from gengap.paper.methods import LABELS
from gengap.report.format import signed, signed_interval, significant, spread
from gengap.report.landscape.numbers import SHARPNESS, Measure, Seeds
from gengap.report.landscape.tables import PUBLISHED, value
from gengap.report.landscape.trained import Trained, cell, epsilons, modes
from gengap.report.markup import Table
from gengap.report.rows import Row
from gengap.report.statistics import Summary, summarize


class Remedy(NamedTuple):
    """Name of a remedy, here and among published values, and the settings in which it may differ from LB."""

    words: str
    published: str
    keys: frozenset[str]


# By the suffix of our experiments' names, as in keskar_c1_lb_augmented
REMEDIES = {
    "augmented": Remedy(
        "data augmentation", "augmentation", frozenset({"data.flip", "data.rotation", "data.shift"})
    ),
    "conservative": Remedy(
        "conservative training", "conservative", frozenset({"method.proximal", "method.proximal_steps"})
    ),
    "adversarial": Remedy("adversarial training", "adversarial", frozenset({"method.adversarial"})),
}


class Line(NamedTuple):
    """A method of a row, alone (remedy is empty) or with one of REMEDIES. ours: our runs; None if not run.

    settings: settings, as typed, of a remedy that is not one of our experiments.
    """

    row: Row
    method: str
    remedy: str
    ours: Trained | None
    settings: str = ""

    @property
    def about(self) -> str:
        """Name such as `conservative training`, or `conservative training (method.proximal=0.1)`."""
        words = REMEDIES[self.remedy].words if self.remedy else ""
        return f"{words} ({self.settings})" if self.settings else words

    @property
    def label(self) -> str:
        """Label such as `LB, conservative training`."""
        return ", ".join(part for part in (LABELS[self.method], self.about) if part)

    def accuracy(self) -> keskar.Published | None:
        """Published accuracy; None if there is none."""
        known = not self.row.deviation and not self.settings
        return keskar.accuracy(self.row.name, self.method, remedy=self._published) if known else None

    def sharpness(self, epsilon: float) -> keskar.Published | None:
        """Published sharpness in the full space; None if there is none."""
        if self.row.deviation or self.settings:
            return None
        return keskar.sharpness(self.row.name, self.method, epsilon, None, self._published)

    @property
    def _published(self) -> str:
        return REMEDIES[self.remedy].published if self.remedy else ""


Lines = dict[tuple[str, str, str], Line]  # lines of one row, by method, remedy and settings


def remedied(trained: Sequence[Trained]) -> dict[Row, Lines]:
    """Collect, for every row with a remedy (ours or published), SB and LB, then each remedy."""
    found = {row: _of_row(trained, row) for row in dict.fromkeys(t.row for t in trained)}
    return {row: lines for row, lines in found.items() if any(remedy for _, remedy, _ in lines)}


def _of_row(trained: Sequence[Trained], row: Row) -> Lines:
    kinds = [(method, remedy) for remedy in ("", *REMEDIES) for method in ("sb", "lb")]
    lines = [
        line
        for method, remedy in kinds
        for line in (
            Line(row, method, remedy, _ours(trained, row, method, remedy)),
            *(_own(trained, row, method, remedy) if remedy else ()),
        )
    ]
    return {(line.method, line.remedy, line.settings): line for line in lines if line.ours or line.accuracy()}


def _ours(trained: Sequence[Trained], row: Row, method: str, remedy: str) -> Trained | None:
    """Find the cell, or the experiment with this remedy."""
    if not remedy:
        return cell(trained, row, method)
    found = (t for t in trained if (t.row, t.method) == (row, method))
    return next((t for t in found if t.experiment.endswith(f"_{method}_{remedy}")), None)


def _own(trained: Sequence[Trained], row: Row, method: str, remedy: str) -> Iterator[Line]:
    """Yield runs without an experiment that differ from the cell only in the remedy's settings."""
    for t in trained:
        if (t.row, t.method) == (row, method) and not t.is_cell and not t.experiment:
            changed = t.changed or {}
            if any(changed.values()) and changed.keys() <= REMEDIES[remedy].keys:
                yield Line(row, method, remedy, t, as_typed(changed))


def _plain(lines: Lines, method: str) -> Trained | None:
    line = lines.get((method, "", ""))
    return line.ours if line else None


def accuracies(rows: dict[Row, Lines]) -> Table:
    """Tabulate one line per method and remedy; differences are from LB."""
    header = (
        *("workload", "run", f"{PUBLISHED} %", "ours %", "n", "− LB", "95 %", f"{PUBLISHED} − LB"),
        *("exact statistics %", "n, exact", "− LB, exact", "95 %, exact"),
    )
    found = (_accuracy(line, lines) for lines in rows.values() for line in lines.values())
    return Table(header, tuple(found), labels=2)


def _accuracy(line: Line, lines: Lines) -> tuple[str, ...]:
    lb = lines.get(("lb", "", ""))
    other = _plain(lines, "lb") if line != lb else None
    printed, base = line.accuracy(), lb.accuracy() if lb and line != lb else None
    published = signed(float(printed.mean) - float(base.mean)) if printed and base else "–"
    ours = line.ours
    return (
        *(line.row.title, line.label, printed.text if printed else "–"),
        *_compared(ours.accuracy if ours else {}, ours.difference(other) if ours else None),
        published,
        *_compared(ours.exact if ours else {}, ours.exact_difference(other) if ours else None),
    )


def _compared(accuracy: Mapping[int, float], difference: Summary | None) -> Iterator[str]:
    known = [*accuracy.values()]
    yield spread(summarize(known)) if known else "–"
    yield str(len(known))
    yield signed(difference.mean) if difference else ""
    yield signed_interval(difference)


def shown(rows: dict[Row, Lines]) -> set[tuple[str, Measure]]:
    """Collect the runs with a remedy, and their measures, that are shown by `sharpness`."""
    lines = (line for lines in rows.values() for line in lines.values() if line.remedy and line.ours)
    return {(line.ours.run, m) for line in lines if line.ours for m in line.ours.sharpness}


def sharpness(rows: dict[Row, Lines]) -> Table:
    """Tabulate per row: published values, then ours in each batch norm mode in which a remedy is measured."""
    ours = [line.ours for lines in rows.values() for line in lines.values() if line.ours]
    sizes = epsilons(ours)
    header = (
        *("workload", "run", "batch norm", "settings"),
        *(name for e in sizes for name in (f"ε = {e:g}", f"/ LB, {e:g}", f"/ SB, {e:g}")),
    )
    found = (row for lines in rows.values() for row in _sharpness(lines, sizes))
    return Table(header, tuple(found), labels=4)


def _sharpness(lines: Lines, sizes: Sequence[float]) -> Iterator[tuple[str, ...]]:
    for line in lines.values():
        if any(line.sharpness(e) for e in sizes):
            printed = (text for e in sizes for text in _printed(line, lines, e))
            yield (line.row.title, line.label, PUBLISHED, "", *printed)
    for mode in modes([line.ours for line in lines.values() if line.remedy and line.ours]):
        for line in lines.values():
            cells = [
                cell for e in sizes for cell in _measured(line, lines, Measure(SHARPNESS, e, None, *mode))
            ]
            if any(cells):
                yield (line.row.title, line.label, *mode, *cells)


def _printed(line: Line, lines: Lines, epsilon: float) -> Iterator[str]:
    found = line.sharpness(epsilon)
    yield found.text if found else "–"
    for method in ("lb", "sb"):
        other = lines.get((method, "", ""))
        base = other.sharpness(epsilon) if other and other != line else None
        yield significant(float(found.mean) / float(base.mean)) if found and base else "–"


def _measured(line: Line, lines: Lines, measure: Measure) -> Iterator[str]:
    yield value(line.ours.sharpness.get(measure, Seeds()) if line.ours else Seeds())
    for method in ("lb", "sb"):
        other = _plain(lines, method)
        ratio = line.ours.ratios(other).get(measure) if line.ours and other is not line.ours else None
        yield ratio.text if ratio else ""
