"""The claim of figure 2b: with the learning rate adapted and ghosts, all batch sizes walk equally far."""

from collections.abc import Iterator, Mapping

from gengap.report.batch_sizes import ADAPTED, ONE_RATE, batch_size, walks_by_batch
from gengap.report.cells import Records
from gengap.report.distance import Walk, read_walk
from gengap.report.figures import walk_by_batch
from gengap.report.findings.causes import trials
from gengap.report.findings.claims import Claim, Evidence
from gengap.report.findings.random_walk import KEPT
from gengap.report.format import with_interval
from gengap.report.measure import measure_cell
from gengap.report.rows import PAPER_TABLES, Row, part_of
from gengap.report.statistics import Summary, summarize

_SOFTER = ("method.", "protocol.reference_batch=")  # settings of +GBN alone, that leave SB and the network
Series = Mapping[int, Walk]  # by ascending batch size


def claim(records: Records) -> Claim:
    """Evaluate whether batches of all sizes are as far from the initial weights after as many updates."""
    found = {(r, m): s for (r, m), s in walks_by_batch(records).items() if part_of(r.name) in PAPER_TABLES}
    adapted = {row: series for (row, method), series in found.items() if method == ADAPTED}
    return Claim(
        "With √ scaling and ghosts, large batches move as far as the small one does in as many updates.",
        "Hoffer et al., section 4, figure 2b",
        "A batch size agrees where the 95 % interval of the ratio of its distance to the small batch's, "
        f"paired by seed, lies within a factor of {KEPT:g} of 1, and disagrees where it lies outside. Both "
        "are distances over all parameters, after as many updates as the larger batch makes before its "
        "learning rate first changes. Two more ratios stand beside it and decide nothing: at one learning "
        "rate, as in figure 2a, and with settings that make the first updates smaller.",
        [e for row, walks in adapted.items() for e in _evidence(records, row, walks, found)],
        walk_by_batch.TITLE,
        question="With √ scaling and ghosts, do large batches move as far in as many updates?",
        unit="batch sizes",
    )


def _evidence(
    records: Records, row: Row, adapted: Series, found: Mapping[tuple[Row, str], Series]
) -> Iterator[Evidence]:
    """Yield a line per batch size except the smallest, which is the same run at both learning rates."""
    (_, small), *larger = adapted.items()
    one_rate, softened = found.get((row, ONE_RATE), {}), _softened(records, row, small)
    for batch, walk in larger:
        ratio, before = _ratio(walk, small), _ratio(one_rate.get(batch), small)
        if ratio:
            beside = f"; at one learning rate {with_interval(before)}" if before else ""
            softer = f"; {', '.join(softened[batch])}" if batch in softened else ""
            far = f"batch {batch:,}: {with_interval(ratio)} times as far (n = {ratio.n})"
            text = f"{row.title}, {far} at update {walk.initial_phase.x[-1]:,.0f}{beside}{softer}"
            yield Evidence(row, ratio.is_within(1 / KEPT, KEPT), text, far if ratio.interval else "")


def _softened(records: Records, row: Row, small: Walk) -> dict[int, list[str]]:
    """List the same ratio with each setting that makes a row's first updates smaller, by batch size."""
    found: dict[int, list[str]] = {}
    groups = {group.run: group for group in records.variants}
    for trial in trials(records, measure_cell(records, row, ADAPTED))[1]:
        kind = (f"precision={row.precision}", f"protocol={row.protocol}")
        settings = [w for w in trial.words.split() if w not in kind]
        if trial.found and trial.found.run in groups and all(s.startswith(_SOFTER) for s in settings):
            group = groups[trial.found.run]
            batch, ratio = batch_size(group), _ratio(read_walk(group), small)
            if batch and ratio:
                told = f"with {' '.join(settings)} {with_interval(ratio)}"
                found.setdefault(batch, []).append(told)
    return found


def _ratio(walk: Walk | None, small: Walk) -> Summary | None:
    """Ratio of the distances at the end of the first phase of `walk`, at the seeds that both have."""
    end = float(walk.initial_phase.x[-1]) if walk else 0.0
    if walk is None or end > small.initial_phase.x[-1]:
        return None
    far, near = walk.distances(end), small.distances(end)
    ratios = [far[seed] / near[seed] for seed in sorted(far.keys() & near.keys())]
    return summarize(ratios) if ratios else None
