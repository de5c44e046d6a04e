"""Welch against published values, TOST against an interval, Holm against its closure, bootstrap by hand."""

from itertools import combinations
from math import atan, pi

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from gengap.report.significance import difference, holm, share, share_interval

ACCURACIES = st.lists(st.floats(90, 99, width=32), min_size=2, max_size=6)
P_VALUES = st.lists(st.floats(0.0001, 1), min_size=1, max_size=6)


def test_welch_on_student_s_sleep_data() -> None:
    """Student 1908; the expected values are what R prints for `t.test(extra ~ group, data = sleep)`."""
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    found = difference(first, second)
    assert found.mean == pytest.approx(0.75 - 2.33)
    assert found.p == pytest.approx(0.07939, abs=5e-6)
    assert found.interval() == pytest.approx((-3.3654832, 0.2054832), abs=5e-8)


@given(ACCURACIES, ACCURACIES, st.floats(0.1, 2))
def test_equivalence_ends_where_the_interval_reaches_the_margin(
    a: list[float], b: list[float], margin: float
) -> None:
    # TOST rejects at level p exactly when the interval of level 1 - 2 p lies within the margin.
    assume(np.ptp(a) > 1e-3 and np.ptp(b) > 1e-3)
    found = difference(a, b)
    p = found.equivalence(margin)
    assert (p < 0.5) == (abs(found.mean) < margin)
    assume(1e-9 < p < 0.5)
    assert max(map(abs, found.interval(1 - 2 * p))) == pytest.approx(margin, rel=1e-5)


def test_equivalence_needs_more_than_no_significance() -> None:
    noisy, other = [90.0, 95.0, 99.0], [91.0, 94.0, 98.0]
    assert difference(noisy, other).p > 0.5
    assert difference(noisy, other).equivalence() > 0.05
    close, same = [95.0, 95.1, 95.2], [95.05, 95.15, 95.1]
    assert difference(close, same).equivalence() < 0.01


def test_nothing_can_be_tested_without_spread() -> None:
    assert not difference([95.1] * 3, [94.1] * 3).testable
    assert difference([95.1] * 3, [94.1] * 3).mean == pytest.approx(1.0)


@pytest.mark.parametrize("sign", [1, -1])
def test_one_sample_without_spread_adds_no_variance(sign: int) -> None:
    # All the variance is the pair's, which leaves one degree of freedom: Student's t with 1 is Cauchy's.
    constant, pair = [95.1 * sign] * 3, [94.0 * sign, 94.2 * sign]
    for found in (difference(constant, pair), difference(pair, constant)):
        assert found.testable
        assert found.p == pytest.approx(1 - 2 * atan(1.0 / 0.1) / pi)
        assert found.equivalence(2.0) == pytest.approx(0.5 - atan((2.0 - 1.0) / 0.1) / pi)


@pytest.mark.parametrize("pair", [([1.0], [1.0, 2.0]), ([1.0, 2.0], []), ([], [])])
def test_a_difference_needs_two_values_in_each_sample(pair: tuple[list[float], list[float]]) -> None:
    with pytest.raises(ValueError, match="two values in each sample"):
        difference(*pair)


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
    with pytest.raises(ValueError, match="there is no gap"):
        share_interval([1.0, 1.0], [1.0, 1.0], [0.0, 2.0])
