"""Estimate how long a run that has not been made would take, from the runs of its row."""

from collections.abc import Sequence

from pandas import DataFrame

from gengap.duration import in_words
from gengap.paper.methods import LABELS
from gengap.report.cells import Records

RA, SB = "lb_ra", "sb"


def cost(records: Records, workload: str, method: str) -> str:
    """Estimate the time of one run by device and precision, such as "3 h on AMD EPYC, 1 thread, in bf16".

    This is the time for a run's samples at the rate of the row's finished, uninterrupted runs: the fastest
    with the same batch size, otherwise with another; it includes evaluations. It is empty if no rate is
    known.

    Args:
        records: records of the project.
        workload: workload of the row.
        method: method of the cell.
    """
    runs = records.runs
    made = runs[(runs["workload"] == workload) & (runs["status"] == "finished")]
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


def costs(records: Records, workload: str, methods: Sequence[str]) -> str:
    """Write the sentence about the cost of a row's cells."""
    known = {LABELS[m]: found for m in methods if (found := cost(records, workload, m))}
    if not known:
        return "no run of this row says how long one takes; gengap status --estimate measures it"
    return "; ".join(f"a run of {label}: about {found}" for label, found in known.items())
