"""Compare two single runs on the same validation images by McNemar's test, if seeds are too few."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from gengap.paper.methods import LABELS
from gengap.report.cells import Group, Records, rows_of
from gengap.report.format import p_value, signed
from gengap.report.markup import Table
from gengap.report.questions.parts import Line
from gengap.report.rows import Part, Row
from gengap.report.significance import holm
from gengap.runs import read_record
from gengap.runs.bits import unpack

PAIRS = (("lb_ra", "sb"), ("sb", "lb"), ("lb_lr", "lb"), ("lb_gbn", "lb_lr"), ("lb_ra", "lb_gbn"))


@dataclass(frozen=True)
class SameImages:
    """Two runs with the same seed on the same validation set of `count` images.

    only_a, only_b: number of images that only this run misclassifies; both: number that both misclassify.
    """

    row: Row
    name: str
    seed: int
    count: int
    only_a: int
    only_b: int
    both: int

    @property
    def points(self) -> float:
        """Accuracy of the first run minus that of the second, in points."""
        return 100 * (self.only_b - self.only_a) / self.count

    @property
    def p(self) -> float:
        """Exact two-sided p-value of equal error rates, from the images where they differ (McNemar 1947)."""
        differ = self.only_a + self.only_b
        return float(binomtest(self.only_a, differ).pvalue) if differ else 1.0


def compare_on_images(records: Records, lines: Sequence[Line] = ()) -> list[SameImages]:
    """Compare pairs in which a side has a single finished seed, at the lowest seed both have.

    Args:
        records: all records; pairs of methods are taken from their cells.
        lines: cells with other settings, each of which is compared with its cell.
    """
    found: list[SameImages] = []
    for row in rows_of(records, *Part):
        for a, b in PAIRS:
            name = f"{LABELS[a]} − {LABELS[b]}"
            found += _compared(row, name, records.cell(row, a), records.cell(row, b))
    for line in lines:
        name = f"{LABELS[line.method]} {line.ablation.settings} − {LABELS[line.ablation.against]}"
        found += _compared(line.row, name, line.group, line.cell)
    return found


def _compared(row: Row, name: str, first: Group | None, second: Group | None) -> Iterator[SameImages]:
    if not first or not second or 1 not in (len(first.finished), len(second.finished)):
        return
    sides = [dict(_wrong(group)) for group in (first, second)]
    for seed in sorted(sides[0].keys() & sides[1].keys())[:1]:
        (data, a), (other_data, b) = (side[seed] for side in sides)
        if data == other_data and len(a) == len(b):
            both = int((a & b).sum())
            yield SameImages(row, name, seed, len(a), int(a.sum()) - both, int(b.sum()) - both, both)


def _wrong(group: Group) -> Iterator[tuple[int, tuple[object, NDArray[np.bool_]]]]:
    """Yield, per seed, the data's fingerprint and which images were misclassified, if recorded."""
    for seed, directory in zip(group.finished["seed"], group.finished["directory"], strict=True):
        record = read_record(Path(directory)) or {}
        if "misclassified" in record:
            data = record["data"]
            yield int(seed), (data.get("fingerprint"), unpack(record["misclassified"], data["validation"]))


def table(records: Records, lines: Sequence[Line] = ()) -> Table:
    """Tabulate one line per pair, with Holm's correction over all of them."""
    found = compare_on_images(records, lines)
    header = (
        "workload", "difference", "seed", "points", "only first wrong", "only second wrong", "both", "p",
        "p (Holm)",
    )  # fmt: skip
    corrected = holm([c.p for c in found])
    rows = tuple(
        (
            c.row.title,
            c.name,
            str(c.seed),
            signed(c.points),
            *(f"{count:,}" for count in (c.only_a, c.only_b, c.both)),
            p_value(c.p),
            p_value(adjusted),
        )
        for c, adjusted in zip(found, corrected, strict=True)
    )
    return Table(header, rows, labels=2)
