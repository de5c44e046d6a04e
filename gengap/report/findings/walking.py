"""Claims of section 4: the weights walk randomly on a random potential."""

from collections.abc import Iterator, Sequence
from statistics import median

from gengap.paper.figures import published
from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Records, rows_of
from gengap.report.distance import FIRST_TENSOR, LATER, read_walk
from gengap.report.figures import norms_elsewhere
from gengap.report.figures.distance_by_batch import NORMS, NormCurve
from gengap.report.findings.claims import Claim, Evidence
from gengap.report.fits import LARGEST_ERROR, LOG, POWER, SMALLEST_R_SQUARED
from gengap.report.format import significant
from gengap.report.landscape import potentials, steps, walks
from gengap.report.landscape.section import Landscape
from gengap.report.rows import Part, Row

_SOURCE = "Hoffer et al., section 4"
SMALL = 0.1  # fraction of the standard deviation up to which the mean counts as orders of magnitude lower
NEAR_TWO = 0.2  # how far α may be from 2
NEAR = 2.0  # factor by which a distance may differ from the published one and still match its norm
KEPT = 1.25  # factor by which the covariance may change and still count as preserved
_FITS = "Distance from initialization"
_LOG_T = (
    "A cell agrees where a + b ln t predicts later distances better than a power law a t^b in most seeds, "
    f"with an error of at most {100 * LARGEST_ERROR:g} % and R² of at least {SMALLEST_R_SQUARED:g} over "
    f"them, and does so too in windows that start {' and '.join(map(str, LATER))} times as late; it "
    "disagrees where a t^b does. It decides nothing where the better of the two fits worse than that, where "
    "the start of the window changes which law it is, with a single seed, or where a window is too short."
)


def claims(records: Records, landscape: Landscape) -> list[Claim]:
    """Evaluate claims about how far the weights move, in which steps, and over what surface."""
    return [
        Claim(
            "The distance from the initial weights grows like log t.",
            f"{_SOURCE}, figure 2",
            f"{_LOG_T} Distances are norms over all parameters; figure 2 may show another norm.",
            [*_log_t(records)],
            _FITS,
            question="Does the distance from the initial weights grow like log t?",
        ),
        Claim(
            "The distance of the first parameter tensor, which the released code logs, grows like log t.",
            f"{_SOURCE}, figure 2",
            _LOG_T,
            [*_log_t(records, FIRST_TENSOR)],
            _FITS,
            question="Does the distance of the first parameter tensor alone grow like log t?",
        ),
        Claim(
            "Figure 2 plots how far a single tensor moves, not all parameters.",
            "Hoffer et al., figure 2, which does not say",
            "The released code logs the first parameter tensor alone. A line of the figure agrees where its "
            f"published end is within a factor of {NEAR:g} of our distance of the first convolution, and not "
            "of that of all parameters; it disagrees where it is the other way round. With a single seed it "
            "decides nothing. Which tensor the figure shows does not follow, since other convolutions move "
            "about as far.",
            [*_norm(records)],
            norms_elsewhere.heading(records),
        ),
        Claim(
            "The mean step is typically orders of magnitude smaller than the standard deviation of a step.",
            _SOURCE,
            f"A run agrees where |E Δw| is below {SMALL:g} of the standard deviation of Δw at the smallest "
            "measured batch, in the median over the updates measured in the first phase, and disagrees "
            "elsewhere.",
            [*_mean_step(landscape)],
            "Landscape",
        ),
        Claim(
            "Scaling the learning rate by the square root of the batch size keeps the covariance of steps.",
            f"{_SOURCE}, equation 7",
            "A run whose batch norm takes the whole batch agrees where the covariance at every batch size M "
            f"is within a factor of {KEPT:g} of that at the smallest, and disagrees elsewhere. Other modes "
            "decide nothing: samples or ghosts that are independent of each other, drawn from N without "
            "replacement, give about 1 − M/N times that of a small batch, whatever the network.",
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


def _log_t(records: Records, tensor: int | None = None) -> Iterator[Evidence]:
    for row in rows_of(records, Part.TABLE1, Part.TABLE2):
        for method in METHODS:
            group = records.cell(row, method)
            walk = None if group is None else read_walk(group, tensor)
            if walk is None:
                continue
            fits = walk.fitted
            if not fits:
                text = f"{row.title}, {LABELS[method]}: no fit ({'; '.join(walk.reasons)})"
                yield Evidence(row, None, text)
                continue
            first, *others = said = [*walk.verdicts.values()]
            window = f"updates {min(f.start for f in fits):,} to {max(f.end for f in fits):,}"
            later = ", ".join(f"{k} times as late: {other}" for k, other in zip(LATER, others, strict=True))
            text = f"{row.title}, {LABELS[method]}: {first} over {window}; starting {later}"
            if len(fits) > 1:
                yield Evidence(row, _is_log(said), text, f"{LABELS[method]}: {first}")
            else:
                yield Evidence(row, None, text)


def _is_log(said: Sequence[str]) -> bool | None:
    """Whether a + b ln t fits from every start of the window; None if no law fits from all of them."""
    for law, agrees in ((LOG, True), (POWER, False)):
        if all(verdict.startswith(law) for verdict in said):
            return agrees
    return None


def _norm(records: Records) -> Iterator[Evidence]:
    """Yield a line for each panel and batch size in figure 2, by the end distance in both norms."""
    found: dict[tuple[str, str], list[NormCurve]] = {}
    for c in norms_elsewhere.norms(records):
        found.setdefault((c.panel, c.curve.experiment), []).append(c)
    for (panel, experiment), curves in found.items():
        ours = {c.norm: end.mean for c in curves if (end := c.walk.end_distance())}
        printed, curve = published(panel, "end distance", experiment), curves[0].curve
        if ours and printed and curve.group:
            near = {norm: 1 / NEAR <= v / float(printed) <= NEAR for norm, v in ours.items()}
            one, every = (near.get(norm, False) for norm in NORMS)
            row = Row(curve.group.workload, str(curve.group.runs["precision"].iloc[0]))
            told = ", ".join(f"{norm} {significant(v)}" for norm, v in ours.items())
            text = f"{row.title}, panel {panel}, batch {curve.label}: {told}, published {printed}"
            decides = one != every and curve.n > 1
            yield Evidence(row, one if decides else None, f"{text} (n = {curve.n})")


def _mean_step(landscape: Landscape) -> Iterator[Evidence]:
    for key, of_seeds in walks.collected(landscape.read).items():
        points = steps.points(of_seeds)
        batches = sorted({batch for _, batch in points})
        at = {b: [steps.summary(of_seeds, p, steps.SHARE) for p in points if p[1] == b] for b in batches}
        shares = {b: known for b, found in at.items() if (known := [s.mean for s in found if s])}
        if batches[0] in shares:
            told = ", ".join(f"{_typical(known)} at batch {b:,}" for b, known in shares.items())
            about = f"the median ratio of |E Δw| to the standard deviation (and its range) is {told}"
            text = f"{_title(key)}: {about} (n = {len(of_seeds)})"
            yield Evidence(key.subject.row, median(shares[batches[0]]) < SMALL, text)


def _typical(shares: Sequence[float]) -> str:
    """Format median and range over updates as `0.184 (0.0906 to 0.329)`."""
    low, high = (significant(end(shares)) for end in (min, max))
    return f"{significant(median(shares))} ({low} to {high})"


def _covariance(landscape: Landscape) -> Iterator[Evidence]:
    for key, of_seeds in walks.collected(landscape.read).items():
        found = [s for p in steps.points(of_seeds) if (s := steps.summary(of_seeds, p, "covariance, sqrt"))]
        if found:
            low, high = min(s.mean for s in found), max(s.mean for s in found)
            about = f"{significant(low)} to {significant(high)} times that of the smallest batch"
            text = f"{_title(key)}: {about} (n = {found[0].n})"
            kept = low >= 1 / KEPT and high <= KEPT
            yield Evidence(key.subject.row, kept if key.batch_norm == "batch" else None, text)


def _title(key: walks.Walked) -> str:
    return f"{key.subject.row.title}, {key.subject.label}, batch norm {key.batch_norm}"


def _alpha(landscape: Landscape) -> Iterator[Evidence]:
    for surface, of_seeds in potentials.collected(landscape.read).items():
        mean = potentials.mean_alpha(surface, of_seeds)
        if mean is None or mean.half_width is None:
            continue
        low, high = mean.mean - mean.half_width, mean.mean + mean.half_width
        about = f"α = {mean.mean:.2f} (95 %: {low:.2f} to {high:.2f}; n = {mean.n})"
        text = f"{surface.row.title}, {surface.initial} weights, batch norm {surface.batch_norm}: {about}"
        inside, outside = max(2 - low, high - 2) <= NEAR_TWO, max(low - 2, 2 - high) > NEAR_TWO
        yield Evidence(surface.row, True if inside else False if outside else None, text)
