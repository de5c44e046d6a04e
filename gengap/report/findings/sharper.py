"""Which of two methods has sharper minima, and at which accuracies and training losses."""

from collections.abc import Iterator, Sequence

from gengap.paper.methods import LABELS
from gengap.report.cells import Records
from gengap.report.comparisons import gap
from gengap.report.findings.claims import Evidence
from gengap.report.format import interval, signed, significant
from gengap.report.landscape.answers import otherwise, seeds
from gengap.report.landscape.findings import Compared, cells_of, counted, standing_out
from gengap.report.landscape.numbers import SHARPNESS, Measure, measures
from gengap.report.landscape.ratios import majority
from gengap.report.landscape.section import Landscape
from gengap.report.rows import Row
from gengap.report.statistics import summarize


def ratios(landscape: Landscape, pair: str, reading: str, other: str) -> Iterator[Evidence]:
    """Yield what each row says about a pair, by all measures that count, and its difference in accuracy."""
    of_pair = [c for c in counted(landscape.compared) if c.label == pair]
    for row in dict.fromkeys(c.row for c in of_pair):
        found = [c for c in of_pair if c.row == row]
        so = sum(c.ratio.reading == reading for c in found)
        values = sorted(c.ratio.value for c in found if c.ratio.value is not None)
        by = ", ".join(dict.fromkeys(c.measure.quantity for c in found))
        spread = f"ratios from {significant(values[0])} to {significant(values[-1])}"
        sides = pair.replace(" / ", f" is {reading} than ")
        counts, n = f"in {so} of {len(found)} comparisons", f"n = {seeds(found)}"
        if all(c.ratio.is_single for c in found):
            yield Evidence(row, None, f"{row.title}: {pair}: {spread} ({by}; n = 1: too few seeds to decide)")
            continue
        losses = _losses(landscape, row, pair)
        told = f"{row.title}: {sides} {counts} ({by}; {spread}; {n}){otherwise(found, reading)}"
        told += f"{_by_mode(found, reading)}{_accuracy(landscape.records, row, pair)}{losses}"
        brief = f"{_times(found, pair)}, {counts} ({n}){losses}{_excluded(found)}"
        agrees = majority([c.ratio for c in found], reading, other)
        yield Evidence(row, agrees, told, brief, significant(_headline(found).published))


def _accuracy(records: Records, row: Row, pair: str) -> str:
    """State how the pair's methods differ in accuracy, since the sharper one need not be less accurate."""
    a, b = _methods(pair)
    line = gap(records, row, a, b)
    ends = interval(signed(line.low), signed(line.high))
    about = f"95 %: {ends}; n = {line.n}"
    return f"; {line.name} is {signed(line.value)} points of accuracy ({about})" if ends else ""


def _losses(landscape: Landscape, row: Row, pair: str) -> str:
    """State both training losses by the first shared measure, since a higher loss alone raises sharpness."""
    cells = dict(cells_of(landscape.found)).get(row, {})
    sides = [cells.get(method, {}) for method in _methods(pair)]
    shared = [m for m in measures(landscape.found, SHARPNESS) if all(m in side for side in sides)]
    if not shared:
        return ""
    means = (summarize([float(v.recorded["loss"]) for v in side[shared[0]].values()]).mean for side in sides)
    named = zip(pair.split(" / "), means, strict=True)
    told = ", ".join(f"{label} {significant(mean)}" for label, mean in named)
    return f"; training loss: {told}"


def _methods(pair: str) -> tuple[str, str]:
    of_label = {label: method for method, label in LABELS.items()}
    a, b = pair.split(" / ")
    return of_label[a], of_label[b]


def _in_most_modes(found: Sequence[Compared]) -> list[Compared]:
    """Select the first measure taken in the most modes of batch norm, in each of them."""
    by_measure: dict[Measure, list[Compared]] = {}
    for c in found:
        by_measure.setdefault(c.measure._replace(batch_norm="", settings=""), []).append(c)
    return max(by_measure.values(), key=len)


def _headline(found: Sequence[Compared]) -> Compared:
    """Select the mode of Keskar et al.'s released networks beside a published ratio, otherwise the first."""
    most = _in_most_modes(found)
    as_published = (c for c in most if c.published is not None and c.measure.batch_norm == "batch")
    return next(as_published, most[0])


def _times(found: Sequence[Compared], pair: str) -> str:
    """Format the headline's ratio: `LB / SB 10.4 (8.32 to 13.0; sharpness, ε = 0.001, batch norm batch)`."""
    shown = _headline(found)
    ratio, mode = shown.ratio, shown.measure.batch_norm
    ends = interval(significant(ratio.low), significant(ratio.high))
    measure = f"{shown.measure.name}, batch norm {mode}" if mode else shown.measure.name
    return f"{pair} {significant(ratio.value)} ({'; '.join(part for part in (ends, measure) if part)})"


def _excluded(found: Sequence[Compared]) -> str:
    ratio, published = _headline(found).ratio, _headline(found).published
    if published is None or ratio.low is None or ratio.high is None or ratio.low <= published <= ratio.high:
        return ""
    return "; the interval excludes the published ratio"


def _by_mode(found: Sequence[Compared], reading: str) -> str:
    """State the contrast for each mode of batch norm."""
    most = _in_most_modes(found)
    if len(most) < 2:
        return ""
    shown = ", ".join(f"{c.measure.batch_norm} {significant(c.ratio.value)}" for c in most)
    return f"; by mode of batch norm ({most[0].measure.name}): {shown}: {standing_out(most, reading)}"
