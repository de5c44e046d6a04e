"""Welch and TOST against scipy, Holm against its closure, the bootstrap against a binomial."""

from itertools import combinations
from math import inf

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from gengap.report.comparisons import RESAMPLES, holm, share, share_interval, welch

ACCURACIES = st.lists(st.floats(90, 99, width=32), min_size=2, max_size=6)
P_VALUES = st.lists(st.floats(0.0001, 1), min_size=1, max_size=6)


@given(ACCURACIES, ACCURACIES)
def test_welch_is_scipys(a: list[float], b: list[float]) -> None:
    assume(np.ptp(a) > 1e-3 and np.ptp(b) > 1e-3)
    expected = stats.ttest_ind(a, b, equal_var=False)
    found = welch(a, b)
    assert found.degrees == pytest.approx(expected.df)
    assert found.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert found.interval() == pytest.approx((interval.low, interval.high))


@given(ACCURACIES, ACCURACIES, st.floats(0.1, 2))
def test_equivalence_is_two_of_scipys_one_sided_tests(a: list[float], b: list[float], margin: float) -> None:
    assume(np.ptp(a) > 1e-3 and np.ptp(b) > 1e-3)
    upper = stats.ttest_ind(np.array(a) - margin, b, equal_var=False, alternative="less").pvalue
    lower = stats.ttest_ind(np.array(a) + margin, b, equal_var=False, alternative="greater").pvalue
    assert welch(a, b).equivalence(margin) == pytest.approx(max(upper, lower), abs=1e-12)


def test_equivalence_needs_more_than_no_significance() -> None:
    noisy, other = [90.0, 95.0, 99.0], [91.0, 94.0, 98.0]
    assert welch(noisy, other).p > 0.5
    assert welch(noisy, other).equivalence() > 0.05
    close, same = [95.0, 95.1, 95.2], [95.05, 95.15, 95.1]
    assert welch(close, same).equivalence() < 0.01


def test_without_spread_there_is_no_error() -> None:
    d = welch([95.1] * 3, [94.1] * 3)
    assert (d.mean, d.error, d.degrees) == (pytest.approx(1.0), 0.0, inf)
    one_sided = welch([95.1] * 3, [94.0, 94.2])
    assert one_sided.degrees == pytest.approx(1)  # all the variance is of the pair


@pytest.mark.parametrize("pair", [([1.0], [1.0, 2.0]), ([1.0, 2.0], []), ([], [])])
def test_welch_needs_two_values_a_side(pair: tuple[list[float], list[float]]) -> None:
    with pytest.raises(ValueError, match="two values a side"):
        welch(*pair)


@given(P_VALUES)
def test_holm_is_the_closed_test_of_bonferroni(p_values: list[float]) -> None:
    # A hypothesis is rejected when every intersection that contains it is: by Bonferroni, the adjusted p is
    # the largest of size * smallest p over all such subsets.
    indices = range(len(p_values))
    subsets = [s for size in range(1, len(p_values) + 1) for s in combinations(indices, size)]
    for i, adjusted in enumerate(holm(p_values)):
        closed = max(min(1.0, len(s) * min(p_values[j] for j in s)) for s in subsets if i in s)
        assert adjusted == pytest.approx(closed)


def test_holm_by_hand_and_of_nothing() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([]) == []


def test_share_is_of_means() -> None:
    assert share([98, 100], [94, 96], [96, 100]) == pytest.approx(0.75)


def test_bootstrap_interval_has_the_quantiles_of_a_binomial() -> None:
    # SB and LB don't vary, so a resampled share is the mean of five draws, one in five of which is 1.
    low, high = share_interval([1.0, 1.0], [0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0])
    assert (low, high) == pytest.approx(tuple(stats.binom.ppf([0.025, 0.975], 5, 0.2) / 5))


def test_bootstrap_resamples_the_gap_too() -> None:
    # Only SB varies: its resampled means are 1, 2 and 3, so the shares are 1/1, 1/2 and 1/3.
    interval = share_interval([1.0, 3.0], [0.0, 0.0], [1.0, 1.0])
    assert interval == pytest.approx((1 / 3, 1.0))
    assert interval == share_interval([1.0, 3.0], [0.0, 0.0], [1.0, 1.0])


def test_resamples_without_a_gap_are_left_out() -> None:
    low, high = share_interval([0.0, 2.0], [0.0, 0.0], [1.0, 1.0])  # shares 1/1 and 1/2 remain
    assert (low, high) == pytest.approx((0.5, 1.0))
    assert RESAMPLES >= 1000
    with pytest.raises(ValueError, match="there is no gap"):
        share_interval([1.0, 1.0], [1.0, 1.0], [0.0, 2.0])
