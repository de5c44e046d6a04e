"""Estimate how long a run that has not been made would take, from the runs of its row."""

from collections.abc import Sequence

from pandas import DataFrame, concat

from gengap.duration import in_words
from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Records, rows_of
from gengap.report.rows import PAPER_TABLES

RA, SB = "lb_ra", "sb"


def cost(records: Records, row: str, method: str) -> str:
    """Estimate the time of one run by device and precision, such as "3 h on AMD EPYC, 1 thread, in bf16".

    This is the time for a run's samples at the rate of the finished, uninterrupted runs of the row's cells:
    the fastest with the small batch or with the large one, whichever the cell's is, otherwise with the other.
    It includes evaluations, and is empty if no rate is known.

    Args:
        records: records of the project.
        row: name of the row.
        method: method of the cell.
    """
    rows = [r for r in rows_of(records, *PAPER_TABLES) if r.name == row]
    cells = (records.cell(r, m) for r in rows for m in METHODS)
    finished = [cell.finished for cell in cells if cell is not None]
    made = concat(finished) if finished else records.runs.iloc[:0]
    samples = _samples(made, method)
    alone = made[made["parts"] == 1]
    alone = alone.assign(rate=alone["samples_seen"] / alone["wall_seconds"])
    same = alone[(alone["method"] == SB) == (method == SB)]
    used = alone if same.empty else same
    if samples is None or used.empty:
        return ""
    rates = {
        f"{hardware}, in {precision}": float(of["rate"].max())
        for (hardware, precision), of in used.groupby(["hardware", "precision"])
    }
    fastest_first = sorted(rates, key=rates.__getitem__, reverse=True)
    return " or ".join(f"{in_words(samples / rates[place])} on {place}" for place in fastest_first)


def _samples(made: DataFrame, method: str) -> float | None:
    """Samples in a method's run: as in any other, but with regime adaptation as many updates as SB's."""
    if method != RA:
        others = made[made["method"] != RA]["samples_seen"]
        return None if others.empty else float(others.median())
    updates = made[made["method"] == SB]["updates"]
    batches = made[made["method"] != SB]["batch_size"]
    return None if updates.empty or batches.empty else float(updates.median() * batches.median())


def costs(records: Records, row: str, methods: Sequence[str]) -> str:
    """Write the sentence about the cost of a row's cells."""
    known = {LABELS[m]: found for m in methods if (found := cost(records, row, m))}
    if not known:
        return "no run of this row says how long one takes; gengap status --estimate measures it"
    return "; ".join(f"a run of {label}: about {found}" for label, found in known.items())
