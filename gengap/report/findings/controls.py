"""Our own claims, from control experiments: tuned learning rates, equal samples, ghosts alone."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gengap.paper.methods import LABELS
from gengap.report.comparison_tables import LEVEL
from gengap.report.comparisons import Comparison, corrected
from gengap.report.findings.claims import OURS, Claim, Evidence
from gengap.report.margins import margin_of
from gengap.report.questions.paired import brief_points, points
from gengap.report.questions.parts import GHOSTS_ALONE, SAMPLES, Line
from gengap.report.questions.prose import QUESTIONS
from gengap.report.questions.section import RATES, Questions
from gengap.report.significance import holm

_MARGIN = "a quarter of the gap published for the row (0.5 points where there is none)"
_HOLM = "corrected over the rows below (Holm)"


def claims(questions: Questions) -> list[Claim]:
    """Evaluate claims that the papers don't test."""
    samples, ghosts = (questions.answered.get(q, []) for q in (SAMPLES, GHOSTS_ALONE))
    return [
        Claim(
            "The gap remains when the learning rate of both batches is tuned.",
            OURS,
            "Each batch is taken at the rate with the highest mean accuracy on held-out training images, and "
            "compared on these images and the same seeds. A row agrees where SB is above LB at p < 0.05, "
            f"paired by seed and {_HOLM}. Otherwise it disagrees where the whole 95 % interval of SB − LB "
            f"lies below {_MARGIN}. It decides nothing where the interval contains 0 with both at the "
            "recipe's rate, since then no gap could remain, nor where a best rate is the lowest or highest "
            "one tried, since a better one may lie beyond.",
            [*_tuned(questions)],
            RATES,
        ),
        Claim(
            "Trained on as many samples, the small batch does as well as regime adaptation.",
            OURS,
            f"A row agrees where SB on the samples of +RA is not worse than +RA by {_MARGIN}, at p < 0.05, "
            f"paired by seed and {_HOLM}. It disagrees where the whole 95 % interval lies below that.",
            [*_samples([line for line in samples if line.ablation.against == "lb_ra"])],
            QUESTIONS[SAMPLES][0],
            question="Is the small batch as good as regime adaptation on as many samples?",
        ),
        Claim(
            "Ghost batch norm alone helps the large batch.",
            OURS,
            f"A row decides at p < 0.05, paired by seed and {_HOLM}: it agrees where LB with ghosts, at the "
            "recipe's learning rate, is above LB, and disagrees where it is below.",
            [*_ghosts(ghosts)],
            QUESTIONS[GHOSTS_ALONE][0],
        ),
    ]


def _tuned(questions: Questions) -> Iterator[Evidence]:
    found = [(gap, t) for t in questions.tuned if (gap := t.gap())]
    for line, (_, t) in zip(corrected([gap for gap, _ in found]), found, strict=True):
        told, recipe = f"{line.row.title}: {points(line)}", t.gap(at_recipe=True)
        if recipe:
            told += f"; with both at the recipe's rate, {points(recipe)}"
        ends = ", ".join(LABELS[method] for method in ("sb", "lb") if t.curves[method].ends_at_best)
        if ends:
            told += f"; best at the end of the range: {ends}"
        decides = _is_gap(recipe) and not ends
        yield Evidence(line.row, _remains(line) if decides else None, told)


def _is_gap(recipe: Comparison | None) -> bool:
    return recipe is not None and recipe.low is not None and recipe.low > 0


def _remains(line: Comparison) -> bool | None:
    if line.value is None or line.high is None or line.p_holm is None:
        return None
    if line.p_holm < LEVEL and line.value > 0:
        return True
    return False if line.high < margin_of(line.row.name) else None


def _samples(lines: Sequence[Line]) -> Iterator[Evidence]:
    """Yield evidence from one-sided tests, unlike those in the table."""
    tests = (line.tested.non_inferiority(margin_of(line.row.name)) for line in lines if line.tested)
    adjusted = iter(holm([*tests]))
    for line in lines:
        if line.comparison is None:
            continue
        p = next(adjusted) if line.tested else None
        c = replace(line.comparison, p_holm=p)
        is_worse = c.high is not None and c.high < -margin_of(c.row.name)
        agrees = True if p is not None and p < LEVEL else False if is_worse else None
        brief = "" if c.low is None else brief_points(c)
        yield Evidence(c.row, agrees, f"{c.row.title}: {points(c)}", brief)


def _ghosts(lines: Sequence[Line]) -> Iterator[Evidence]:
    for c in (line.comparison for line in lines if line.comparison):
        decides = c.value is not None and c.p_holm is not None and c.p_holm < LEVEL
        yield Evidence(c.row, (c.value or 0.0) > 0 if decides else None, f"{c.row.title}: {points(c)}")
