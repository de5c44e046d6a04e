"""Pairs and independent samples: against published values, TOST by its interval, Holm by its closure."""

from itertools import combinations
from math import atan, pi

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from gengap.report.significance import difference, holm, share, share_interval

ACCURACIES = st.lists(st.floats(90, 99, width=32), min_size=2, max_size=6)
HIGH = st.lists(st.floats(97, 98, width=32), min_size=3, max_size=6)
LOW = st.lists(st.floats(91, 92, width=32), min_size=3, max_size=6)
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
    assert difference(noisy, other).equivalence(0.5) > 0.05
    close, same = [95.0, 95.1, 95.2], [95.05, 95.15, 95.1]
    assert difference(close, same).equivalence(0.5) < 0.01


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


@given(st.lists(st.floats(90, 99, width=32), min_size=3, max_size=6))
def test_share_of_a_known_gap_has_student_s_interval(method: list[float]) -> None:
    # SB and LB don't vary, so a share is a shifted and scaled accuracy.
    assume(np.ptp(method) > 1e-3)
    shares = [(value - 90.0) / 4.0 for value in method]
    expected = stats.ttest_1samp(shares, 0.0).confidence_interval(0.95)
    assert share_interval([94.0] * 3, [90.0] * 3, method) == pytest.approx(tuple(expected), abs=1e-7)


@given(HIGH, LOW, ACCURACIES)
def test_an_end_of_the_interval_is_where_the_combined_t_test_reaches_5_percent(
    sb: list[float], lb: list[float], method: list[float]
) -> None:
    samples = [np.asarray(x) for x in (method, lb, sb)]
    assume(all(np.ptp(x) > 1e-2 for x in samples))
    ends = share_interval(sb, lb, method)
    assert ends[0] < share(sb, lb, method) < ends[1]
    for r in ends:
        weights = np.array([1.0, r - 1.0, -r])
        errors = weights**2 * np.array([x.var(ddof=1) / len(x) for x in samples])
        freedom = errors.sum() ** 2 / sum(e**2 / (len(x) - 1) for e, x in zip(errors, samples, strict=True))
        t = abs(weights @ [x.mean() for x in samples]) / np.sqrt(errors.sum())
        assert 2 * stats.t.sf(t, freedom) == pytest.approx(0.05, rel=1e-4)


@given(HIGH, LOW, ACCURACIES, st.floats(0.5, 2), st.floats(-50, 50))
def test_a_share_does_not_depend_on_the_unit(
    sb: list[float], lb: list[float], method: list[float], factor: float, shift: float
) -> None:
    assume(min(map(np.ptp, (sb, lb, method))) > 1e-2)
    moved = [[factor * value + shift for value in x] for x in (sb, lb, method)]
    assert share_interval(*moved) == pytest.approx(share_interval(sb, lb, method), rel=1e-4, abs=1e-4)


@given(ACCURACIES, ACCURACIES, ACCURACIES)
def test_a_share_has_an_interval_exactly_where_sb_differs_from_lb(
    sb: list[float], lb: list[float], method: list[float]
) -> None:
    assume(all(np.ptp(x) > 1e-2 for x in (sb, lb, method)))
    p = difference(sb, lb).p
    assume(abs(p - 0.05) > 1e-4)
    if p < 0.05:
        share_interval(sb, lb, method)
    else:
        with pytest.raises(ValueError, match="SB may equal LB"):
            share_interval(sb, lb, method)


TRIPLES = st.lists(st.tuples(*[st.floats(-1, 1, width=32)] * 3), min_size=3, max_size=6)


@given(TRIPLES)
def test_an_end_of_the_paired_interval_is_where_student_s_test_of_the_triples_reaches_5_percent(
    noise: list[tuple[float, float, float]],
) -> None:
    sb, lb, method = np.array([98.0, 90.0, 96.0])[:, None] + np.array(noise).T
    assume(all(np.ptp(a - b) > 1e-2 for a, b in combinations((sb, lb, method), 2)))
    assume(stats.ttest_rel(sb, lb).pvalue < 0.04)
    ends = share_interval(list(sb), list(lb), list(method), paired=True)
    assert ends[0] < share(list(sb), list(lb), list(method)) < ends[1]
    for r in ends:
        found = stats.ttest_1samp(method - (1 - r) * lb - r * sb, 0.0)
        assert found.pvalue == pytest.approx(0.05, rel=1e-4)


def test_pairs_remove_what_a_seed_adds_to_all_methods() -> None:
    of_seed = np.array([-1.0, 0.0, 1.0])
    sb, lb, method = (list(mean + of_seed + tiny) for mean, tiny in ((98, 0.0), (94, 0.01), (97, 0.0)))
    sb[0] += 0.01
    paired = share_interval(sb, lb, method, paired=True)
    assert paired[1] - paired[0] < 0.1
    with pytest.raises(ValueError, match="nothing varies over seeds"):
        share_interval([98.0, 99.0], [94.0, 95.0], [97.0, 98.0], paired=True)
    alone = share_interval(sb, lb, method)
    assert alone[1] - alone[0] > 1


def test_the_interval_of_a_share_covers_it_as_often_as_it_says_with_three_seeds() -> None:
    generator = np.random.default_rng(0)
    trials, inside = 400, 0
    for _ in range(trials):
        sb, lb, method = (
            list(generator.normal(mean, std, 3)) for mean, std in ((98, 0.1), (94, 0.2), (97, 0.3))
        )
        low, high = share_interval(sb, lb, method)
        inside += low <= 0.75 <= high
    assert 0.93 < inside / trials < 0.985


def test_no_interval_where_nothing_varies() -> None:
    with pytest.raises(ValueError, match="nothing varies over seeds"):
        share_interval([2.0, 2.0], [1.0, 1.0], [1.5, 1.5])


def test_not_worse_and_better_are_one_sided() -> None:
    a, b = [98.0, 98.2, 98.1], [97.9, 98.0, 98.3]
    found = difference(a, b)
    shifted = [value + 0.5 for value in a]
    assert found.non_inferiority(0.5) == pytest.approx(
        stats.ttest_ind(shifted, b, equal_var=False, alternative="greater").pvalue
    )
    assert found.superiority() == pytest.approx(
        stats.ttest_ind(a, b, equal_var=False, alternative="greater").pvalue
    )
    assert found.equivalence(0.5) >= found.non_inferiority(0.5)


def test_pairs_are_tested_by_their_differences() -> None:
    a, b = [98.0, 97.0, 96.0], [97.9, 96.95, 95.8]
    found = difference(a, b, paired=True)
    expected = stats.ttest_1samp(np.subtract(a, b), 0.0)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.interval() == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert found.p < difference(a, b).p
    assert not difference([98.0, 97.0], [97.5, 96.5], paired=True).testable
    rounded = [100 * 345 / 360, 100 * 342 / 360], [100 * 349 / 360, 100 * 346 / 360]
    assert not difference(*rounded, paired=True).testable
    assert difference([98.0, 97.0 + 1e-6], [97.5, 96.5], paired=True).testable
    with pytest.raises(ValueError, match="as many values on both sides, not 3 and 2"):
        difference(a, b[:2], paired=True)


def test_the_share_of_saturated_cells_is_all_of_the_gap() -> None:
    assert share_interval([99.0] * 2, [90.0, 90.1], [99.0] * 2) == pytest.approx((1.0, 1.0))
