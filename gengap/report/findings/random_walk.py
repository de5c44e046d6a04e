"""Claims of section 4: the weights walk randomly, in steps of a kept covariance, on a random potential."""

from collections.abc import Iterator

from gengap.report.findings.claims import Claim, Evidence
from gengap.report.format import significant, with_interval
from gengap.report.landscape import potentials, steps, walks
from gengap.report.landscape.section import Landscape
from gengap.report.landscape.subjects import Subject
from gengap.report.statistics import Summary, summarize

_SOURCE = "Hoffer et al., section 4"
LEVEL = 0.95
SMALL = 0.1  # fraction of the standard deviation up to which the mean counts as orders of magnitude lower
KEPT = 1.25  # factor by which the covariance may change and still count as preserved
NEAR_TWO = 0.2  # how far α may be from 2


def claims(landscape: Landscape) -> list[Claim]:
    """Evaluate claims about mean and covariance of steps, and about the surface they lead over."""
    return [
        Claim(
            "The mean step is typically orders of magnitude smaller than the standard deviation of a step.",
            _SOURCE,
            f"A run agrees where |E Δw| is below {SMALL:g} of the standard deviation of Δw at the smallest "
            "measured batch: by the 95 % interval, over seeds, of each seed's median over the updates of the "
            "first phase, interpolated between those measured. It disagrees where the interval lies above "
            "that. Where that batch is a single ghost, normalizing by batch and by ghost are the same and "
            "count once.",
            [*_mean_step(landscape)],
            "Landscape",
        ),
        Claim(
            "Scaling the learning rate by the square root of the batch size keeps the covariance of steps.",
            f"{_SOURCE}, equation 7",
            "A run whose batch norm takes the whole batch agrees where the 95 % interval of the covariance, "
            f"over seeds, is within a factor of {KEPT:g} of that at the smallest batch for every batch size "
            "M and every update measured. It disagrees where one of these intervals, made wider for their "
            "number (Bonferroni), lies outside. Other modes decide nothing: samples that are independent of "
            "each other, drawn from the N training images without replacement, give about 1 − M/N times that "
            "of a small batch, whatever the network, and ghosts give between that and once.",
            [*_covariance(landscape)],
            "Landscape",
            "With ghosts, as in the paper's own method, the covariance is kept by construction; where batch "
            "norm takes the whole batch, it need not be.",
        ),
        Claim(
            "The loss is a random potential with α = 2: its differences grow in proportion to the distance.",
            "Hoffer et al., Appendix B, figure 4",
            "A network agrees where the 95 % interval of the mean α over initial weights, with the fewest "
            f"bins, lies within {NEAR_TWO:g} of 2, and disagrees where all of it lies outside.",
            [*_alpha(landscape)],
            "Landscape",
            "Any loss that is linear near the initial weights has α = 2 too, so α = 2 does not show that the "
            "potential is random.",
        ),
    ]


def _mean_step(landscape: Landscape) -> Iterator[Evidence]:
    seen: dict[Subject, list[dict[int, float]]] = {}
    for key, of_seeds in walks.collected(landscape.read).items():
        batches = sorted({batch for _, batch in steps.points(of_seeds)})
        at = {b: steps.medians(of_seeds, steps.SHARE, b) for b in batches}
        shares = {b: summarize([*medians.values()]) for b, medians in at.items() if medians}
        before, deciding = seen.setdefault(key.subject, []), at[batches[0]]
        if deciding and not any(deciding.items() <= other.items() for other in before):
            before.append(deciding)
            told = ", ".join(f"{with_interval(share)} at batch {b:,}" for b, share in shares.items())
            about = f"the median ratio of |E Δw| to the standard deviation is {told}"
            text = f"{_title(key)}: {about} (n = {len(of_seeds)})"
            yield Evidence(key.subject.row, shares[batches[0]].is_within(-SMALL, SMALL), text)


def _covariance(landscape: Landscape) -> Iterator[Evidence]:
    for key, of_seeds in walks.collected(landscape.read).items():
        found = _covariances(of_seeds, LEVEL)
        if found:
            low, high = min(s.mean for s in found), max(s.mean for s in found)
            about = f"{significant(low)} to {significant(high)} times that of the smallest batch"
            kept = _is_kept(of_seeds) if key.batch_norm == "batch" else None
            yield Evidence(key.subject.row, kept, f"{_title(key)}: {about} (n = {found[0].n})")


def _covariances(of_seeds: steps.Seeds, level: float) -> list[Summary]:
    """Covariance relative to that of the smallest batch, at every update and larger batch."""
    points = steps.points(of_seeds)
    smallest = min(batch for _, batch in points)
    found = (steps.summary(of_seeds, p, "covariance, sqrt", level) for p in points if p[1] > smallest)
    return [s for s in found if s]


def _is_kept(of_seeds: steps.Seeds) -> bool | None:
    """Whether the covariance is kept at all points; False if it is not at one, corrected for their number."""
    found = _covariances(of_seeds, LEVEL)
    wider = _covariances(of_seeds, 1 - (1 - LEVEL) / len(found))
    if any(s.is_within(1 / KEPT, KEPT) is False for s in wider):
        return False
    return True if all(s.is_within(1 / KEPT, KEPT) for s in found) else None


def _title(key: walks.Walked) -> str:
    return f"{key.subject.row.title}, {key.subject.label}, batch norm {key.batch_norm}"


def _alpha(landscape: Landscape) -> Iterator[Evidence]:
    for surface, of_seeds in potentials.collected(landscape.read).items():
        mean = potentials.mean_alpha(surface, of_seeds)
        if mean is None or mean.interval is None:
            continue
        low, high = mean.interval
        about = f"α = {mean.mean:.2f} (95 %: {low:.2f} to {high:.2f}; n = {mean.n})"
        text = f"{surface.row.title}, {surface.initial} weights, batch norm {surface.batch_norm}: {about}"
        yield Evidence(surface.row, mean.is_within(2 - NEAR_TWO, 2 + NEAR_TWO), text)
