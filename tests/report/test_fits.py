from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from gengap.report.fits import NoFit, fit_log, fit_power, fit_walk

T = np.unique(np.round(np.geomspace(1, 5000, 50)))
LEVEL = st.floats(0.1, 50)
SLOPE = st.floats(0.05, 5)
POWER = st.floats(0.05, 1.0)


@settings(deadline=None)
@given(a=st.floats(-50, 50), b=SLOPE)
def test_log_law_is_recovered(a: float, b: float) -> None:
    assert_allclose(fit_log(T, a + b * np.log(T)), (a, b), rtol=1e-8, atol=1e-8)


@settings(deadline=None)
@given(a=LEVEL, b=POWER)
def test_power_law_is_recovered(a: float, b: float) -> None:
    assert_allclose(fit_power(T, a * T**b), (a, b), rtol=1e-6)


@settings(deadline=None)
@given(a=st.floats(1, 20), b=SLOPE)
def test_log_law_predicts_log_walks_better(a: float, b: float) -> None:
    fit = fit_walk(T, a + b * np.log(T), clipped_until=0, first_change=inf)
    assert fit.rmse_log < 1e-6 * b < fit.rmse_power
    assert fit.r_squared == pytest.approx(1)
    assert fit.slope == pytest.approx(b)


@settings(deadline=None)
@given(a=LEVEL, b=POWER)
def test_power_law_predicts_power_walks_better(a: float, b: float) -> None:
    fit = fit_walk(T, a * T**b, clipped_until=0, first_change=inf)
    assert fit.rmse_power < fit.rmse_log
    assert fit.r_squared < 1


def test_window_lies_after_clipping_and_ends_with_the_first_rate() -> None:
    t = np.arange(1.0, 21.0)
    # Rows outside the window lie: a fit that used one would not return 2 + 3 ln t.
    distance = np.where((t > 5) & (t <= 15), 2 + 3 * np.log(t), 999.0)
    fit = fit_walk(t, distance, clipped_until=5, first_change=15)
    assert (fit.start, fit.end, fit.rows) == (6, 15, 10)
    assert (fit.intercept, fit.slope) == pytest.approx((2, 3))


def test_error_is_on_the_last_half_after_a_fit_on_the_first() -> None:
    t = np.arange(1.0, 9.0)
    distance = np.log(t)
    distance[4:] += [1.0, -1.0, 3.0, -3.0]
    fit = fit_walk(t, distance, clipped_until=0, first_change=inf)
    assert fit.rmse_log == pytest.approx(np.sqrt(20 / 4))


def test_r_squared_by_hand() -> None:
    t = np.exp(np.arange(6.0))
    distance = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 6.0])
    fit = fit_walk(t, distance, clipped_until=0, first_change=inf)
    assert fit.r_squared == pytest.approx(np.corrcoef(np.arange(6.0), distance)[0, 1] ** 2)


@pytest.mark.parametrize(("rows", "fits"), [(5, False), (6, True)])
def test_fewer_than_six_rows_are_too_short(rows: int, fits: bool) -> None:
    t = np.arange(1.0, 1 + rows)
    if fits:
        assert fit_walk(t, np.log(t) + 1, 0, inf).rows == 6
    else:
        with pytest.raises(NoFit, match=r"too short \(5 rows"):
            fit_walk(t, np.log(t) + 1, 0, inf)


def test_clipping_that_lasts_until_the_rate_changes_leaves_no_fit() -> None:
    t = np.arange(1.0, 31.0)
    with pytest.raises(NoFit, match="clipping lasts"):
        fit_walk(t, np.log(t) + 1, clipped_until=10, first_change=10)
