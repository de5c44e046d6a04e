from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gengap.report.statistics import summarize


def test_by_hand() -> None:
    s = summarize([1.0, 2.0, 6.0])
    assert (s.n, s.mean) == (3, 3.0)
    assert s.std == pytest.approx(sqrt(7))  # (4 + 1 + 9) / 2
    assert s.half_width == pytest.approx(4.302653 * sqrt(7 / 3))  # t(0.975, 2) from a printed table


@settings(deadline=None)
@given(st.lists(st.floats(0, 100), min_size=2, max_size=10).filter(lambda v: np.ptp(v) > 1e-3))
def test_interval_is_scipys(values: list[float]) -> None:
    s = summarize(values)
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    assert s.half_width == pytest.approx((high - low) / 2)


@pytest.mark.parametrize(
    ("values", "sign"),
    [
        ([1.0, 1.1, 1.2], 1),
        ([-1.0, -1.1, -1.2], -1),
        ([1.0, -0.9, 0.2], 0),
        ([3.0], 0),
        ([100 * (345 - 349) / 360, 100 * 345 / 360 - 100 * 349 / 360], 0),  # equal but for rounding
    ],
)
def test_the_sign_needs_an_interval_that_excludes_0(values: list[float], sign: int) -> None:
    assert summarize(values).sign == sign


def test_one_value_has_no_spread() -> None:
    s = summarize([98.27])
    assert (s.n, s.mean, s.std, s.half_width) == (1, 98.27, None, None)


def test_no_values() -> None:
    with pytest.raises(ValueError, match="no values"):
        summarize([])
