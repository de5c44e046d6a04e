"""Keskar et al.'s claims about what helps the large batch: their remedies, and warm starts."""

from collections.abc import Collection, Iterator
from dataclasses import replace

from gengap.report.findings.claims import Claim, Evidence
from gengap.report.format import signed, signed_interval, significant
from gengap.report.landscape.ratios import FLATTER, SHARPER, Ratio, majority
from gengap.report.landscape.remedies import REMEDIES
from gengap.report.landscape.section import WARM_STARTS, Landscape
from gengap.report.landscape.trained import Trained, cell
from gengap.report.landscape.warm_starts import Line
from gengap.report.rows import Row
from gengap.report.statistics import Summary

_BY_MOST = (
    "where more than half of the ratios of its sharpness to {other}'s, one per measure, ε and mode of batch "
    "norm, read {reading} and none reads {opposite} (95 % interval, paired by seed), and disagrees where "
    "more than half read {opposite}"
)


def claims(landscape: Landscape) -> list[Claim]:
    """Evaluate claims about remedies and warm starts, each by accuracy and by sharpness."""
    return [
        *(claim for key in REMEDIES for claim in _of_remedy(landscape, key)),
        Claim(
            "Warm-started with enough epochs of the small batch, the large batch generalizes better.",
            "Keskar et al., section 3, figure 5",
            "The longest warm start of a network decides: it agrees where the 95 % interval of the "
            "difference of its accuracy from LB's, paired by seed, is above 0, and disagrees where it is "
            "below.",
            [*_warm_better(landscape)],
            WARM_STARTS,
        ),
        Claim(
            "Warm-started with enough epochs of the small batch, the large batch finds flatter minima.",
            "Keskar et al., section 3, figure 5",
            "The longest warm start of a network decides: it agrees "
            f"{_BY_MOST.format(other='LB', reading=FLATTER, opposite=SHARPER)}.",
            [*_warm_flatter(landscape)],
            WARM_STARTS,
        ),
    ]


def _of_remedy(landscape: Landscape, key: str) -> Iterator[Claim]:
    words, source = REMEDIES[key].words, "Keskar et al., Appendix E"
    yield Claim(
        f"{words[0].upper()}{words[1:]} helps the large batch to generalize.",
        source,
        "A network agrees where the 95 % interval of the difference from LB's accuracy, paired by seed, is "
        "above 0, and disagrees where it is below. Where both were also evaluated with exact statistics of "
        "batch norm, these decide: running averages over training images and images made from them fit "
        "neither. SB − LB is shown too, since a remedy can only close a gap that exists.",
        [*_better(landscape, key)],
        "Remedies",
    )
    yield Claim(
        f"With {words}, large-batch minima stay sharp.",
        source,
        f"A network agrees {_BY_MOST.format(other='SB', reading=SHARPER, opposite=FLATTER)}. How "
        "many are flatter than LB's stands beside it and decides nothing.",
        [*_still_sharp(landscape, key)],
        "Remedies",
    )


def _better(landscape: Landscape, key: str) -> Iterator[Evidence]:
    for row, name, ours in _measured(landscape, key):
        sb, lb = (cell(landscape.trained, row, method) for method in ("sb", "lb"))
        found, exact = ours.difference(lb), ours.exact_difference(lb)
        if found:
            gap = sb.difference(lb) if sb else None
            told = f"{name}: accuracy − LB is {_points(found)}"
            told += f"; with exact statistics in both, {_points(exact)}" if exact else ""
            told += f"; SB − LB, of the same seeds, is {_points(gap)}" if gap else ""
            yield Evidence(row, _is_above(exact or found), told)


def _still_sharp(landscape: Landscape, key: str) -> Iterator[Evidence]:
    for row, name, ours in _measured(landscape, key):
        sb, lb = (cell(landscape.trained, row, method) for method in ("sb", "lb"))
        beside = "".join(f"; {e.text}" for e in _sharper(row, "", "LB", ours.ratios(lb).values(), FLATTER))
        for e in _sharper(row, f"{name}: ", "SB", ours.ratios(sb).values()):
            yield replace(e, text=f"{e.text}{beside}")


def _measured(landscape: Landscape, key: str) -> Iterator[tuple[Row, str, Trained]]:
    """Yield our runs at the large batch with one of REMEDIES, and their names."""
    for row, lines in landscape.remedied.items():
        for line in lines.values():
            if line.method == "lb" and line.remedy == key and line.ours:
                yield row, f"{row.title}, {line.about}", line.ours


def _warm_better(landscape: Landscape) -> Iterator[Evidence]:
    for row, warm in _warm(landscape):
        found = warm[-1].ours.difference(warm[-1].lb)
        told = ", ".join(_epochs(line) for line in warm)
        yield Evidence(row, _is_above(found), f"{row.title}: accuracy − LB is {told}")


def _warm_flatter(landscape: Landscape) -> Iterator[Evidence]:
    for row, warm in _warm(landscape):
        name = f"{row.title}, {warm[-1].epochs:g} epochs: "
        yield from _sharper(row, name, "LB", warm[-1].ours.ratios(warm[-1].lb).values(), FLATTER)


def _warm(landscape: Landscape) -> Iterator[tuple[Row, list[Line]]]:
    """Yield each row's warm starts that share a seed with LB, longest last."""
    for row, lines in landscape.started.items():
        warm = [line for line in lines if line.is_warm and line.ours.difference(line.lb)]
        if warm:
            yield row, sorted(warm, key=lambda line: line.epochs or 0)


def _epochs(line: Line) -> str:
    epochs = f"{line.epochs:g} epoch{'' if line.epochs == 1 else 's'}"
    return f"{_points(line.ours.difference(line.lb))} after {epochs}"


def _points(found: Summary | None) -> str:
    """Format as `+0.52 points (95 %: +0.31 to +0.73; n = 5)`."""
    if found is None:
        return ""
    ends = signed_interval(found)
    about = f"95 %: {ends}; n = {found.n}" if ends else "n = 1: no interval"
    return f"{signed(found.mean)} points ({about})"


def _is_above(found: Summary | None) -> bool | None:
    """Whether the interval is above 0; None if it contains 0 or there is none."""
    return found.sign > 0 if found and found.sign else None


def _sharper(
    row: Row, name: str, other: str, ratios: Collection[Ratio], reading: str = SHARPER
) -> Iterator[Evidence]:
    found = [r for r in ratios if r.value is not None]
    if found:
        so = sum(r.reading == reading for r in found)
        values = sorted(r.value for r in found if r.value is not None)
        spread = f"ratios from {significant(values[0])} to {significant(values[-1])}"
        about = f"{reading} than {other} in {so} of {len(found)} comparisons"
        opposite = FLATTER if reading == SHARPER else SHARPER
        text = f"{name}{about} ({spread}; n = {max(r.n for r in found)})"
        if all(r.is_single for r in found):
            text = f"{name}sharpness / {other}: {spread} (n = 1: too few seeds to decide)"
        yield Evidence(row, majority(found, reading, opposite), text)
