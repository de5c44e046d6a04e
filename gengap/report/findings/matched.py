"""The claim of figure 2b: with the learning rate adapted and ghosts, all batch sizes walk equally far."""

from collections.abc import Iterator

from gengap.report.batch_sizes import ADAPTED, ONE_RATE, Series, batch_size, walks_by_batch
from gengap.report.cells import Records
from gengap.report.distance import FIRST_TENSOR, Walk, read_walk
from gengap.report.figures import walk_by_batch
from gengap.report.findings.causes import trials
from gengap.report.findings.claims import Claim, Evidence
from gengap.report.format import significant, with_interval
from gengap.report.measure import measure_cell
from gengap.report.rows import PAPER_TABLES, Row, part_of
from gengap.report.statistics import Summary, summarize

AS_FAR = 1.25  # factor by which distances may differ and still count as equal
EARLIER = 10  # divides the number of updates, for a ratio early in the phase
_SOFTER = ("method.warmup_epochs=", "protocol.reference_batch=")  # settings that leave SB as it is


def claim(records: Records) -> Claim:
    """Evaluate whether all batch sizes end the first phase as far from the initial weights as SB is then."""
    every, first = walks_by_batch(records), walks_by_batch(records, FIRST_TENSOR)
    rows = [row for row, method in every if method == ADAPTED and part_of(row.name) in PAPER_TABLES]
    return Claim(
        "With √ scaling and ghosts, large batches end the first phase as far from the initial weights as the "
        "small one is after as many updates.",
        "Hoffer et al., figure 2b",
        "A batch size agrees where the 95 % interval of the ratio of its distance to the small batch's, "
        f"paired by seed, lies within a factor of {AS_FAR:g} of 1, and disagrees where it lies outside. Both "
        "are distances over all parameters, after as many updates as the larger batch makes before its "
        "learning rate first changes. The ratios beside it decide nothing: that after a tenth of these "
        "updates, that of the first parameter tensor alone, that at one learning rate, as in figure 2a, and "
        "those with settings that lower the first learning rates. The figure shows Resnet44 at batches of up "
        "to 2,048; other networks and larger batches are our own question. The first phase of C1 and C3 has "
        "a tenth of their highest learning rate, those of the other networks have the highest.",
        [e for row in rows for e in _evidence(records, row, every, first)],
        note=f'The curves are in the report under "{walk_by_batch.TITLE}".' if rows else "",
        question="With √ scaling and ghosts, do large batches end the first phase as far away as SB?",
        unit="batch sizes",
    )


def _evidence(records: Records, row: Row, every: Series, first: Series) -> Iterator[Evidence]:
    """Yield a line per batch size above SB's, which is the same run at both learning rates."""
    adapted, one_rate, tensor = every[row, ADAPTED], every.get((row, ONE_RATE), {}), first[row, ADAPTED]
    sb = records.cells.get((row, "sb"))
    smallest = batch_size(sb) if sb else None
    if smallest is None or smallest not in adapted:
        return
    small, softened = adapted[smallest], _softened(records, row, adapted[smallest])
    for batch, walk in adapted.items():
        if batch <= smallest:
            continue
        ratio, end = _ratio(walk, small), walk.initial_phase.x[-1]
        if ratio is None:
            continue
        beside = {
            f"at update {end / EARLIER:,.0f}": _ratio(walk, small, EARLIER),
            "of the first parameter tensor": _ratio(tensor[batch], tensor[smallest]),
            "at one learning rate": _ratio(one_rate.get(batch), small),
            **softened.get(batch, {}),
        }
        far = f"batch {batch:,}: {with_interval(ratio)} times as far (n = {ratio.n})"
        others = "; ".join(f"{what} {with_interval(r)}" for what, r in beside.items() if r)
        text = f"{row.title}, {far} at update {end:,.0f}; {others}"
        brief, detail = (far, f"{batch:,}: {significant(ratio.mean)}") if ratio.interval else ("", "")
        yield Evidence(row, ratio.is_within(1 / AS_FAR, AS_FAR), text, brief, detail=detail)


def _softened(records: Records, row: Row, small: Walk) -> dict[int, dict[str, Summary | None]]:
    """Find the same ratio with each setting that lowers a row's first learning rates, by batch size."""
    found: dict[int, dict[str, Summary | None]] = {}
    groups = {group.run: group for group in records.variants}
    kind = (f"precision={row.precision}", f"protocol={row.protocol}")
    for trial in trials(records, measure_cell(records, row, ADAPTED))[1]:
        settings = [w for w in trial.words.split() if w not in kind]
        if trial.found and trial.found.run in groups and all(s.startswith(_SOFTER) for s in settings):
            group = groups[trial.found.run]
            if batch := batch_size(group):
                found.setdefault(batch, {})[f"with {' '.join(settings)}"] = _ratio(read_walk(group), small)
    return found


def _ratio(walk: Walk | None, small: Walk, divisor: int = 1) -> Summary | None:
    """Ratio of the distances at the seeds that both have, after the updates of `walk`'s first phase.

    divisor: divides the number of these updates. None if the small batch's first phase is shorter.
    """
    end = float(walk.initial_phase.x[-1]) if walk else 0.0
    if walk is None or end > small.initial_phase.x[-1]:
        return None
    far, near = walk.distances(end / divisor), small.distances(end / divisor)
    ratios = [far[seed] / near[seed] for seed in sorted(far.keys() & near.keys())]
    return summarize(ratios) if ratios else None
