"""The claims of Keskar et al. about the minima that a large batch finds, and a question of ours."""

from collections.abc import Iterator

from gengap.paper import keskar
from gengap.paper.methods import LABELS
from gengap.report.cells import Records, rows_of
from gengap.report.findings.claims import Claim, Evidence
from gengap.report.format import significant
from gengap.report.landscape.findings import LB_SB, RA_LB
from gengap.report.landscape.ratios import FLATTER, SHARPER, majority
from gengap.report.landscape.section import Landscape
from gengap.report.rows import Part, Row

_READING = (
    "A ratio, one per measure, ε and mode of batch norm, reads {reading} where its paired 95 % interval over "
    "seeds excludes 1 on that side. A row agrees where more than half of them read {reading} and none reads "
    "{other}; it disagrees where more than half read {other}. All ratios of a row are of the same networks, "
    "so that many of them weigh no more than its n seeds."
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
        ),
        Claim(
            "Regime adaptation finds flatter minima than the large batch does without it.",
            "A question of ours",
            _READING.format(reading=FLATTER, other=SHARPER),
            [*_ratios(landscape, RA_LB, FLATTER, SHARPER)],
            "Landscape",
        ),
        Claim(
            "The small batch ends 3 to 10 times as far from the initial weights as the large one.",
            "Keskar et al., section 2.2",
            "A row agrees where the ratio of the mean distances is in that range.",
            [*_distances(records)],
            "Other workloads",
        ),
    ]


def _ratios(landscape: Landscape, pair: str, reading: str, other: str) -> Iterator[Evidence]:
    of_pair = [c for c in landscape.compared if c.label == pair and c.ratio.reading]
    for row in dict.fromkeys(c.row for c in of_pair):
        found = [c.ratio for c in of_pair if c.row == row]
        so = sum(r.reading == reading for r in found)
        values = sorted(r.value for r in found if r.value is not None)
        by = ", ".join(dict.fromkeys(c.measure.quantity for c in of_pair if c.row == row))
        spread = f"ratios from {significant(values[0])} to {significant(values[-1])}"
        sides, n = pair.replace(" / ", f" is {reading} than "), max(r.n for r in found)
        text = f"{row.title}: {sides} in {so} of {len(found)} comparisons ({by}; {spread}; n = {n})"
        yield Evidence(row, majority(found, reading, other), text)


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
