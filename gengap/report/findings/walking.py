"""Claims about how far the weights move: section 4 and figure 2 of the paper."""

from collections.abc import Iterator

from gengap.paper.figures import published
from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Records, rows_of
from gengap.report.distance import FIRST_TENSOR, LATER, NO_FIT, Fits, Walk, read_walk
from gengap.report.figures import norms_elsewhere, walk_by_batch
from gengap.report.figures.distance_by_batch import NORMS, NormCurve
from gengap.report.findings.claims import Claim, Evidence
from gengap.report.fits import LARGEST_ERROR, LOG, POWER, SMALLEST_R_SQUARED, WalkFit
from gengap.report.format import significant
from gengap.report.rows import Part, Row

_SOURCE = "Hoffer et al., section 4"
NEAR = 2.0  # factor by which a distance may differ from the published one and still match its norm
_FITS = "Distance from initialization"
_LOG_T = (
    "A cell agrees where, in most seeds, a + b ln t predicts later distances better than a t^b, with an "
    f"error of at most {100 * LARGEST_ERROR:g} % and R² of at least {SMALLEST_R_SQUARED:g}, also when the "
    f"window starts {' or '.join(map(str, LATER))} times as late. It disagrees where a t^b predicts better "
    "in every seed and from all these starts, however well it fits itself: both laws have two parameters. It "
    "is open where seeds or starts differ in the better law, where a + b ln t is better and fits less well, "
    "where a window is too short, and with a single seed."
)


def claims(records: Records) -> list[Claim]:
    """Evaluate claims about the law that the distance follows, and about which norm figure 2 plots."""
    return [
        Claim(
            "The distance from the initial weights grows like log t.",
            f"{_SOURCE}, figure 2",
            f"{_LOG_T} Distances are norms over all parameters; figure 2 may show another norm.",
            [*_log_t(records)],
            _FITS,
            f'The law by batch size is in the report under "{walk_by_batch.TITLE}".',
            question="Does the distance from the initial weights grow like log t?",
        ),
        Claim(
            "The distance of the first parameter tensor, which the released code logs, grows like log t.",
            f"{_SOURCE}, figure 2",
            _LOG_T,
            [*_log_t(records, FIRST_TENSOR)],
            _FITS,
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
            first, *others = walk.verdicts.values()
            window = f"updates {min(f.start for f in fits):,} to {max(f.end for f in fits):,}"
            later = ", ".join(f"{k} times as late: {other}" for k, other in zip(LATER, others, strict=True))
            text = f"{row.title}, {LABELS[method]}: {first} over {window}; starting {later}"
            if len(fits) > 1:
                agrees = _is_log(walk)
                detail = _why_open(walk) if agrees is None else ""
                yield Evidence(row, agrees, text, f"{LABELS[method]}: {first}", detail=detail)
            else:
                yield Evidence(row, None, text)


def _is_log(walk: Walk) -> bool | None:
    """Whether a + b ln t fits from every start; False if a t^b is better from all of them in every seed."""
    starts = (walk.fits, *walk.later.values())
    if all(verdict.startswith(LOG) for verdict in walk.verdicts.values()):
        return True if all(map(_is_mostly_log, starts)) else None
    every = [fit for fits in starts for fit in fits.values()]
    is_power = all(isinstance(fit, WalkFit) and fit.power.rmse < fit.log.rmse for fit in every)
    return False if is_power else None


def _is_mostly_log(fits: Fits) -> bool:
    found = [fit for fit in fits.values() if isinstance(fit, WalkFit)]
    return 2 * sum(fit.log.rmse < fit.power.rmse for fit in found) > len(found)


def _why_open(walk: Walk) -> str:
    said = walk.verdicts.values()
    if NO_FIT in said:
        return "window too short"
    laws = {LOG if LOG in verdict else POWER for verdict in said}
    if len(laws) > 1:
        return "the start changes the law"
    is_log = all(map(_is_mostly_log, (walk.fits, *walk.later.values())))
    return "ln t is better, but fits poorly" if is_log else "seeds differ in the law"


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
