"""Keskar et al.'s claims about the minima found with a large batch, and a question of our own."""

from collections.abc import Iterator

from gengap.paper import keskar
from gengap.paper.methods import LABELS
from gengap.report.cells import Records, rows_of
from gengap.report.findings.claims import OURS, Claim, Evidence
from gengap.report.findings.sharper import ratios
from gengap.report.format import significant, with_interval
from gengap.report.landscape.answers import ordered
from gengap.report.landscape.findings import LB_SB, RA_LB, RA_SB
from gengap.report.landscape.numbers import mode_order
from gengap.report.landscape.ratios import FLATTER, SHARPER
from gengap.report.landscape.remedies import Line
from gengap.report.landscape.section import ORDER, Landscape
from gengap.report.rows import Part, Row
from gengap.report.statistics import summarize

_READING = (
    "A ratio reads {reading} where its paired 95 % interval over seeds excludes 1 on that side. Each "
    "combination of measure, ε and mode of batch norm counts once: if it was measured on all training images "
    "and on a sample, the one with more seeds counts, and a single seed only if the row has no others. A row "
    "agrees where more than "
    "half of them read {reading} and none reads {other}; it disagrees where more than half read {other}. All "
    "ratios of a row are of the same networks: more ratios are no further evidence, more seeds are."
)
_CAUSE = (
    'Both stand in the table "Sharpness". The likely cause: Keskar et al. state neither their learning rate '
    "nor when they stopped, on which the training loss at the end and with it the sharpness depend, nor "
    "their mode of batch norm."
)
SHARPER_QUESTION = "Is the large batch's minimum sharper?"
_FARTHER = (3.0, 10.0)  # published range of how many times farther


def claims(records: Records, landscape: Landscape) -> list[Claim]:
    """Evaluate the claims about sharpness and distance."""
    return [
        Claim(
            "Large batches converge to sharper minima than small ones.",
            "Keskar et al., Tables 3 and 4",
            _READING.format(reading=SHARPER, other=FLATTER),
            [*ratios(landscape, LB_SB, SHARPER, FLATTER)],
            "Landscape",
            _absolute(landscape),
            SHARPER_QUESTION,
        ),
        Claim(
            "Regime adaptation finds flatter minima than the large batch does without it.",
            OURS,
            _READING.format(reading=FLATTER, other=SHARPER),
            [*ratios(landscape, RA_LB, FLATTER, SHARPER)],
            "Landscape",
        ),
        Claim(
            "Regime adaptation finds sharper minima than the small batch.",
            OURS,
            _READING.format(reading=SHARPER, other=FLATTER),
            [*ratios(landscape, RA_SB, SHARPER, FLATTER)],
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
            "A row agrees where the 95 % interval of the ratio of distances, paired by seed, lies in that "
            "range, and disagrees where it lies outside.",
            [*_distances(records)],
            "Other workloads",
        ),
    ]


def _orders(landscape: Landscape) -> Iterator[Evidence]:
    for row in dict.fromkeys(o.row for o in landscape.orders):
        own = [o for o in landscape.orders if o.row == row]
        agree, disagree, left = (sum(getattr(o, name) for o in own) for name in ("agree", "disagree", "open"))
        total = agree + disagree + left
        said = True if 2 * agree > total and not disagree else False if 2 * disagree > total else None
        yield Evidence(row, said, ordered(own))


def _absolute(landscape: Landscape) -> str:
    """State our sharpness next to the published one if that is outside the range of our batch norm modes."""
    lines = [line for of_row in landscape.remedied.values() for line in of_row.values() if not line.remedy]
    told = [f"{line.row.title}, {line.label}: {ours}" for line in lines if (ours := _outside(line))]
    return f"Absolute values differ from the published ones: {'; '.join(told)}. {_CAUSE}" if told else ""


def _outside(line: Line) -> str:
    """Compare at the largest published ε that we measured; empty if the published mean is in our range."""
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
        far, near = (_distances_of(records, row, method) for method in ("sb", "lb"))
        shared = sorted(far.keys() & near.keys())
        if keskar.title(row.name) and shared:
            times = summarize([far[seed] / near[seed] for seed in shared])
            about = f"{with_interval(times)} times as far (n = {times.n})"
            yield Evidence(row, times.is_within(*_FARTHER), f"{row.title}: {LABELS['sb']} ends {about}")


def _distances_of(records: Records, row: Row, method: str) -> dict[int, float]:
    group = records.cell(row, method)
    if group is None:
        return {}
    finished = group.finished
    return {int(seed): float(d) for seed, d in zip(finished["seed"], finished["distance"], strict=True)}
