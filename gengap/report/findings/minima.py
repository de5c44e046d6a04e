"""The claims of Keskar et al. about the minima that a large batch finds, and a question of ours."""

from collections.abc import Iterator, Sequence

from gengap.paper import keskar
from gengap.paper.methods import LABELS
from gengap.report.cells import Records, rows_of
from gengap.report.comparisons import gap
from gengap.report.findings.claims import OURS, Claim, Evidence
from gengap.report.format import interval, signed, significant
from gengap.report.landscape.answers import ordered, otherwise, seeds
from gengap.report.landscape.findings import (
    LB_SB,
    RA_LB,
    RA_SB,
    Compared,
    cells_of,
    counted,
    standing_out,
)
from gengap.report.landscape.numbers import SHARPNESS, Measure, measures, mode_order
from gengap.report.landscape.ratios import FLATTER, SHARPER, majority
from gengap.report.landscape.remedies import Line
from gengap.report.landscape.section import ORDER, Landscape
from gengap.report.rows import Part, Row
from gengap.report.statistics import summarize

_READING = (
    "A ratio, one per measure, ε and mode of batch norm, reads {reading} where its paired 95 % interval over "
    "seeds excludes 1 on that side; of a measure on all training images and on a sample, the one with more "
    "seeds counts, and a ratio of a single seed only where there are no others. A row agrees where more than "
    "half of them read {reading} and none reads {other}; it disagrees where more than half read {other}. All "
    "ratios of a row are of the same networks, so that many of them weigh no more than its n seeds."
)
_CAUSE = (
    'Both stand in the table "Sharpness". The likely cause: Keskar et al. state neither their learning rate '
    "nor when they stopped, on which the training loss at the end and with it the sharpness depend, nor "
    "their mode of batch norm."
)
_FARTHER = (3.0, 10.0)  # times, as published


def claims(records: Records, landscape: Landscape) -> list[Claim]:
    """Sharpness and distance."""
    return [
        Claim(
            "Large batches converge to sharper minima than small ones.",
            "Keskar et al., Tables 3 and 4",
            _READING.format(reading=SHARPER, other=FLATTER),
            [*_ratios(landscape, LB_SB, SHARPER, FLATTER)],
            "Landscape",
            _absolute(landscape),
        ),
        Claim(
            "Regime adaptation finds flatter minima than the large batch does without it.",
            OURS,
            _READING.format(reading=FLATTER, other=SHARPER),
            [*_ratios(landscape, RA_LB, FLATTER, SHARPER)],
            "Landscape",
        ),
        Claim(
            "Regime adaptation finds sharper minima than the small batch.",
            OURS,
            _READING.format(reading=SHARPER, other=FLATTER),
            [*_ratios(landscape, RA_SB, SHARPER, FLATTER)],
            "Landscape",
        ),
        Claim(
            "Sharpness orders the methods as accuracy does: the flatter of two is the more accurate one.",
            OURS,
            "A comparison of two methods by one measure agrees where the flatter is the more accurate one, "
            "and both paired 95 % intervals over seeds exclude equality; it disagrees where these exclude it "
            "the other way. A row agrees where more than half of its comparisons agree and none disagrees; "
            "it disagrees where more than half disagree. All comparisons of a row are of the same networks.",
            [*_orders(landscape)],
            ORDER,
        ),
        Claim(
            "The small batch ends 3 to 10 times as far from the initial weights as the large one.",
            "Keskar et al., section 3",
            "A row agrees where the ratio of the mean distances is in that range.",
            [*_distances(records)],
            "Other workloads",
        ),
    ]


def _ratios(landscape: Landscape, pair: str, reading: str, other: str) -> Iterator[Evidence]:
    of_pair = [c for c in counted(landscape.compared) if c.label == pair]
    for row in dict.fromkeys(c.row for c in of_pair):
        found = [c for c in of_pair if c.row == row]
        so = sum(c.ratio.reading == reading for c in found)
        values = sorted(c.ratio.value for c in found if c.ratio.value is not None)
        by = ", ".join(dict.fromkeys(c.measure.quantity for c in found))
        spread = f"ratios from {significant(values[0])} to {significant(values[-1])}"
        sides = pair.replace(" / ", f" is {reading} than ")
        counts, n = f"{row.title}: {sides} in {so} of {len(found)} comparisons", f"n = {seeds(found)}"
        beside = _accuracy(landscape.records, row, pair)
        told = f"{counts} ({by}; {spread}; {n}){otherwise(found, reading)}{_by_mode(found, reading)}"
        told += f"{beside}{_losses(landscape, row, pair)}"
        brief = f"{counts} ({spread}; {n}){beside}"
        if all(c.ratio.is_single for c in found):
            told = brief = f"{row.title}: {pair}: {spread} ({by}; n = 1: too few seeds to decide)"
        yield Evidence(row, majority([c.ratio for c in found], reading, other), told, brief)


def _accuracy(records: Records, row: Row, pair: str) -> str:
    """How the methods of the pair differ in accuracy: sharper need not be less accurate."""
    a, b = _methods(pair)
    line = gap(records, row, a, b)
    ends = interval(signed(line.low), signed(line.high))
    return f"; {line.name} is {signed(line.value)} points of accuracy (95 %: {ends})" if ends else ""


def _losses(landscape: Landscape, row: Row, pair: str) -> str:
    """The training loss of both, which alone raises or lowers sharpness; in the first measure of both."""
    cells = dict(cells_of(landscape.found)).get(row, {})
    sides = [cells.get(method, {}) for method in _methods(pair)]
    shared = [m for m in measures(landscape.found, SHARPNESS) if all(m in side for side in sides)]
    if not shared:
        return ""
    means = (summarize([float(v.recorded["loss"]) for v in side[shared[0]].values()]).mean for side in sides)
    named = zip(pair.split(" / "), means, strict=True)
    told = ", ".join(f"{label} {significant(mean)}" for label, mean in named)
    return f"; training loss, batch norm {shared[0].batch_norm}: {told}"


def _methods(pair: str) -> tuple[str, str]:
    of_label = {label: method for method, label in LABELS.items()}
    a, b = pair.split(" / ")
    return of_label[a], of_label[b]


def _by_mode(found: Sequence[Compared], reading: str) -> str:
    """The contrast by mode of batch norm, of the first measure that was taken in the most modes."""
    by_measure: dict[Measure, list[Compared]] = {}
    for c in found:
        by_measure.setdefault(c.measure._replace(batch_norm="", settings=""), []).append(c)
    most = max(by_measure.values(), key=len)
    if len(most) < 2:
        return ""
    shown = ", ".join(f"{c.measure.batch_norm} {significant(c.ratio.value)}" for c in most)
    return f"; by mode of batch norm ({most[0].measure.name}): {shown}: {standing_out(most, reading)}"


def _orders(landscape: Landscape) -> Iterator[Evidence]:
    for row in dict.fromkeys(o.row for o in landscape.orders):
        own = [o for o in landscape.orders if o.row == row]
        agree, disagree, left = (sum(getattr(o, name) for o in own) for name in ("agree", "disagree", "open"))
        total = agree + disagree + left
        said = True if 2 * agree > total and not disagree else False if 2 * disagree > total else None
        yield Evidence(row, said, ordered(own))


def _absolute(landscape: Landscape) -> str:
    """Our sharpness beside the published one where that is outside the range of our modes of batch norm."""
    lines = [line for of_row in landscape.remedied.values() for line in of_row.values() if not line.remedy]
    told = [f"{line.row.title}, {line.label}: {ours}" for line in lines if (ours := _outside(line))]
    return f"Absolute values differ from the published ones: {'; '.join(told)}. {_CAUSE}" if told else ""


def _outside(line: Line) -> str:
    """At the largest published ε that we measured; empty where the published mean is inside."""
    of_epsilon: dict[float, dict[str, float]] = {}
    found = line.ours.sharpness if line.ours else {}
    for m in sorted(found, key=lambda m: mode_order(m.batch_norm)):
        if m.parameter and not m.settings:
            mean = summarize([v.value for v in found[m].values()]).mean
            of_epsilon.setdefault(m.parameter, {})[m.batch_norm] = mean
    for epsilon, ours in sorted(of_epsilon.items(), reverse=True):
        if printed := line.sharpness(epsilon):
            if min(ours.values()) <= float(printed.mean) <= max(ours.values()):
                return ""
            values = ", ".join(f"{significant(v)} ({mode})" for mode, v in ours.items())
            return f"{values}, published {printed.mean} at ε = {epsilon:g}"
    return ""


def _distances(records: Records) -> Iterator[Evidence]:
    for row in rows_of(records, Part.OTHER):
        sides = [_distance(records, row, m) for m in ("sb", "lb")]
        if keskar.title(row.name) and all(sides):
            far, near = (sum(side) / len(side) for side in sides)
            low, high = _FARTHER
            times = far / near
            about = f"{significant(times)} times as far (n = {len(sides[0])}, {len(sides[1])})"
            yield Evidence(row, low <= times <= high, f"{row.title}: {LABELS['sb']} ends {about}")


def _distance(records: Records, row: Row, method: str) -> list[float]:
    group = records.cell(row, method)
    return [] if group is None else [float(d) for d in group.finished["distance"]]
