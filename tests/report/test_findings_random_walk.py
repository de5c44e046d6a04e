"""The claims on single steps decide by intervals over seeds, and with the stated correction."""

from collections.abc import Sequence
from math import log, sqrt

import pytest
from landscape_records import add_measured, walked
from report_records import Store
from scipy import stats

from gengap.report.cells import read_records
from gengap.report.findings import random_walk
from gengap.report.findings.claims import Claim
from gengap.report.landscape.section import Landscape

MEAN_STEP, COVARIANCE = "The mean step", "Scaling the learning rate"
SIZES = (16, 32, 64)


def claim(store: Store, beginning: str) -> Claim:
    found = random_walk.claims(Landscape(read_records(store.root)))
    (asked,) = (c for c in found if c.statement.startswith(beginning))
    return asked


def walk(store: Store, seed: int, factors: Sequence[float], share: float = 0.05, mode: str = "batch") -> None:
    """Add a walk whose covariance is the smallest batch's times these factors, at SIZES.

    share: |E Δw| relative to the standard deviation of Δw at the smallest batch, after 50 updates; 0 and 100
    updates have half and twice as much, so that this is the median.
    """
    points = []
    for update, times in ((0, 0.5), (50, 1.0), (100, 2.0)):
        for size, factor in zip(SIZES, factors, strict=True):
            covariance = 16 * 64.0 * factor / size
            points.append(walked(update, size, covariance, (times * share) ** 2 * 64.0, batch_norm=mode))
    about = {"sizes": [], "draws": 32, "points": 9}
    add_measured(store, "digits_lb", seed, "walk", points, about)


@pytest.mark.parametrize(
    ("factors", "agrees"),
    [
        ([(1, 1.0, 0.99), (1, 1.02, 1.01), (1, 0.98, 1.0)], True),
        ([(1, 0.9, 0.5), (1, 0.9, 0.51), (1, 0.9, 0.49)], False),
        ([(1, 1.0, 0.7), (1, 1.0, 1.3), (1, 1.0, 1.0)], None),  # seeds differ too much
        ([(1, 0.9, 0.5)], None),  # a single seed
        ([(1, 0.9, 0.7), (1, 0.9, 0.75)], None),  # outside, but two seeds leave a wide interval
    ],
)
def test_the_covariance_is_kept_or_not_by_its_intervals(
    store: Store, factors: list[tuple[float, ...]], agrees: bool | None
) -> None:
    for seed, of_seed in enumerate(factors):
        walk(store, seed, of_seed)
    (line,) = claim(store, COVARIANCE).evidence
    assert line.agrees is agrees


def test_the_intervals_that_exclude_a_kept_covariance_are_corrected_for_their_number(store: Store) -> None:
    """Six are measured: two larger batches after 0, 50 and 100 updates."""
    spread, mean = 0.02, 0.74
    bounds = [mean + stats.t.ppf(1 - 0.05 / n / 2, 2) * spread / sqrt(3) for n in (1, 6)]
    assert bounds[0] < 1 / random_walk.KEPT < bounds[1]
    for seed in range(3):
        walk(store, seed, (1, 1.0, mean + (seed - 1) * spread))
    assert claim(store, COVARIANCE).evidence[0].agrees is None


def test_ghosts_decide_nothing_about_the_covariance(store: Store) -> None:
    for seed in range(3):
        walk(store, seed, (1, 0.5, 0.3 + seed / 100), mode="ghost")
    (line,) = claim(store, COVARIANCE).evidence
    assert line.agrees is None
    told = "F1, digits, LB, batch norm ghost: 0.310 to 0.500 times that of the smallest batch (n = 3)"
    assert line.text == told


@pytest.mark.parametrize(
    ("shares", "agrees"),
    [((0.05, 0.06, 0.05), True), ((0.2, 0.21, 0.19), False), ((0.05, 0.2, 0.1), None), ((0.2,), None)],
)
def test_the_mean_step_is_judged_by_the_interval_of_the_seeds_medians(
    store: Store, shares: tuple[float, ...], agrees: bool | None
) -> None:
    for seed, share in enumerate(shares):
        walk(store, seed, (1, 1, 1), share)
    (line,) = claim(store, MEAN_STEP).evidence
    assert line.agrees is agrees
    if len(shares) == 1:
        assert line.text == (
            "F1, digits, LB, batch norm batch: the median ratio of |E Δw| to the standard deviation is "
            "0.200 at batch 16, 0.283 at batch 32, 0.400 at batch 64 (n = 1)"
        )


def test_the_median_is_over_all_updates_between_those_measured(store: Store) -> None:
    shares = {0: 0.5, 1: 0.5, 9: 0.5, 99: 0.02}  # most of those measured are early
    points = [walked(t, 16, 64.0, share**2 * 64.0, batch_norm="batch") for t, share in shares.items()]
    add_measured(store, "digits_lb", 0, "walk", points, {"sizes": [], "draws": 32, "points": 9})
    (line,) = claim(store, MEAN_STEP).evidence
    middle = sum(0.5 - 0.48 * log(t / 10) / log(10) for t in (50, 51)) / 2  # of t = 1 to 100, falling
    assert f"is {middle:#.3g} at batch 16 (n = 1)" in line.text


def test_a_single_ghost_counts_once(store: Store) -> None:
    for mode, shares in (("batch", (0.2, 0.21)), ("ghost", (0.2,)), ("trained", (0.3, 0.31))):
        for seed, share in enumerate(shares):
            walk(store, seed, (1, 1, 1), share, mode)
    found = claim(store, MEAN_STEP).evidence
    assert [e.text.partition(":")[0] for e in found] == [
        f"F1, digits, LB, batch norm {mode}" for mode in ("batch", "trained")
    ]
