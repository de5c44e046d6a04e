"""The claims of our own controls: which row decides, and how."""

from collections.abc import Sequence

import pytest
from report_records import Store

from gengap.report.cells import read_records
from gengap.report.findings.claims import Claim
from gengap.report.findings.controls import claims
from gengap.report.questions.section import Questions

HIGH, SLIGHTLY_LOWER = [98.2, 98.3, 98.5], [98.1, 98.25, 98.4]
LOW, SCATTERED = [97.0, 97.2, 97.2], [97.0, 99.0, 98.0]


def found(store: Store) -> list[Claim]:
    return claims(Questions(read_records(store.root)))


def add(store: Store, words: str, experiment: str, accuracies: Sequence[float]) -> None:
    for seed, accuracy in enumerate(accuracies):
        store.add_with(words, experiment, seed, accuracy)


@pytest.mark.parametrize(
    ("lb", "verdict"),
    [
        (LOW, "holds on F1, MNIST"),
        (HIGH[::-1], "open"),  # the interval reaches beyond a quarter of the published gap, 0.305
        ([98.2, 98.31, 98.49], "does not hold on F1, MNIST"),
        (SCATTERED, "open"),
        (HIGH[:1], "open"),
    ],
)
def test_the_gap_with_both_rates_tuned(store: Store, lb: Sequence[float], verdict: str) -> None:
    tune(store, [a - 5 for a in LOW], lb)
    gap, *others = found(store)
    assert gap.verdict == verdict
    assert [claim.verdict for claim in others] == ["not tested"] * 2


def tune(store: Store, at_recipe: Sequence[float], lb: Sequence[float]) -> None:
    """SB is best at the recipe's rate; LB has `lb` at twice that. Both are worse at half and 4 times."""
    worst = [a - 10 for a in LOW]
    for times, accuracies in {
        0.5: (worst, worst),
        1: (HIGH, at_recipe),
        2: (LOW, lb),
        4: (worst, worst),
    }.items():
        add_at(store, times, *accuracies)


def add_at(store: Store, times: float, sb: Sequence[float], lb: Sequence[float]) -> None:
    rates = ",".join(f"{times * rate:g}" for rate in (0.1, 0.01, 0.001, 0.0001))
    for method, accuracies in (("sb", sb), ("lb", lb)):
        add(store, f"data.holdout=5000 workload.lr=[{rates}]", f"mnist_{method}", accuracies)


@pytest.mark.parametrize(
    ("best", "named"),
    [((HIGH, LOW), "SB"), ((LOW, SLIGHTLY_LOWER), "LB"), ((HIGH, SLIGHTLY_LOWER), "SB, LB")],
)
def test_a_best_rate_at_the_end_of_the_range_decides_nothing(
    store: Store, best: tuple[Sequence[float], Sequence[float]], named: str
) -> None:
    between = [a - 0.1 for a in LOW]
    for times, (sb, lb) in {1: (between, between[::-1]), 2: (LOW, LOW[::-1]), 4: best}.items():
        lower = 1.0 if times == 1 else 0.0
        add_at(store, times, sb, [a - lower for a in lb])
    gap, *_ = found(store)
    assert (gap.verdict, gap.evidence[0].agrees) == ("open", None)
    assert gap.evidence[0].text.endswith(f"; best at the end of the range: {named}")


def test_without_a_gap_at_the_recipe_s_rate_none_can_remain(store: Store) -> None:
    tune(store, [98.21, 98.3, 98.48], [98.2, 98.31, 98.49])
    gap, *_ = found(store)
    assert gap.verdict == "open"
    assert "; with both at the recipe's rate, SB − LB is +0.00 points (95 %: " in gap.evidence[0].text


@pytest.mark.parametrize(
    ("longer", "verdict"),
    [
        (SLIGHTLY_LOWER, "holds on F1, MNIST"),
        (LOW, "does not hold on F1, MNIST"),
        (SCATTERED, "open"),
        (HIGH[:1], "open"),
    ],
)
def test_the_small_batch_on_as_many_samples(store: Store, longer: Sequence[float], verdict: str) -> None:
    add(store, "seed=0", "mnist_lb_ra", HIGH)
    add(store, "method.regime_factor=32", "mnist_sb", longer)
    _, samples, _ = found(store)
    assert samples.verdict == verdict
    assert [e.text.partition(" is ")[0] for e in samples.evidence] == [
        "F1, MNIST: SB method.regime_factor=32 − +RA"
    ]
    brief = samples.evidence[0].brief  # for the summary, unless there are too few seeds
    assert brief.startswith("SB method.regime_factor=32 − +RA ") == (len(longer) > 1) == bool(brief)


@pytest.mark.parametrize(
    ("ghosts", "verdict"),
    [
        (HIGH, "holds on F1, MNIST"),
        ([96.0, 96.3, 96.2], "does not hold on F1, MNIST"),
        (SCATTERED, "open"),
        (HIGH[:1], "open"),
    ],
)
def test_ghosts_alone(store: Store, ghosts: Sequence[float], verdict: str) -> None:
    add(store, "seed=0", "mnist_lb", LOW)
    add(store, "method.ghost_size=128", "mnist_lb", ghosts)
    *_, alone = found(store)
    assert alone.verdict == verdict


def test_nothing_is_tested_without_records(store: Store) -> None:
    assert [claim.verdict for claim in found(store)] == ["not tested"] * 3
