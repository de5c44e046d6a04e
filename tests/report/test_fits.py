from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from gengap.report.fits import NoFit, Quality, WalkFit, fit_log, fit_power, fit_walk, verdict

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
    fit = fit_walk(T, a + b * np.log(T), after=0, first_change=inf)
    assert fit.log.rmse < 1e-6 * b < fit.power.rmse
    assert fit.log.r_squared == pytest.approx(1)
    assert verdict([fit, fit]) == "a + b ln t (2 of 2)"
    assert fit.slope == pytest.approx(b)


@settings(deadline=None)
@given(a=LEVEL, b=POWER)
def test_power_law_predicts_power_walks_better(a: float, b: float) -> None:
    fit = fit_walk(T, a * T**b, after=0, first_change=inf)
    assert fit.power.rmse < fit.log.rmse
    assert fit.log.r_squared < 1
    assert fit.power.r_squared == pytest.approx(1)
    assert verdict([fit]) == "a t^b (1 of 1)"


def test_window_lies_after_clipping_and_ends_with_the_first_rate() -> None:
    t = 100 * np.arange(1.0, 21.0)
    # Rows outside the window lie: a fit that used one would not return 2 + 3 ln t.
    distance = np.where((t > 500) & (t <= 1500), 2 + 3 * np.log(t), 999.0)
    fit = fit_walk(t, distance, after=500, first_change=1500)
    assert (fit.start, fit.end, fit.rows) == (600, 1500, 10)
    assert (fit.intercept, fit.slope) == pytest.approx((2, 3))


def test_error_is_on_the_last_half_after_a_fit_on_the_first() -> None:
    t = 100 * np.arange(1.0, 9.0)
    distance = np.log(t)
    distance[4:] += [1.0, -1.0, 3.0, -3.0]
    fit = fit_walk(t, distance, after=0, first_change=inf)
    assert fit.log.rmse == pytest.approx(np.sqrt(20 / 4))
    assert fit.log.relative == pytest.approx(np.sqrt(20 / 4) / np.mean(np.log(t[4:])))
    assert verdict([fit]).startswith("neither; closer: ")


def test_r_squared_by_hand() -> None:
    t = np.exp(np.arange(6.0))
    distance = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 6.0])
    fit = fit_walk(t, distance, after=0, first_change=inf)
    assert fit.log.r_squared == pytest.approx(np.corrcoef(np.arange(6.0), distance)[0, 1] ** 2)


@pytest.mark.parametrize(("rows", "fits"), [(5, False), (6, True)])
def test_fewer_than_six_rows_are_too_short(rows: int, fits: bool) -> None:
    t = 100 * np.arange(1.0, 1 + rows)
    if fits:
        assert fit_walk(t, np.log(t) + 1, 0, inf).rows == 6
    else:
        with pytest.raises(NoFit, match=r"too short \(5 rows"):
            fit_walk(t, np.log(t) + 1, 0, inf)


def test_a_walk_that_never_moves_has_no_fit() -> None:
    with pytest.raises(NoFit, match="the distance is 0"):
        fit_walk(T, 0.0 * T, after=0, first_change=inf)


def test_clipping_that_lasts_until_the_rate_changes_leaves_no_fit() -> None:
    t = np.arange(1.0, 31.0)
    with pytest.raises(NoFit, match="no row between the transient and"):
        fit_walk(t, np.log(t) + 1, after=10, first_change=10)


@pytest.mark.parametrize(("last", "fits"), [(100.0, False), (101.0, True)])
def test_a_window_of_fewer_than_a_hundred_updates_is_too_short(last: float, fits: bool) -> None:
    t = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, last])
    if fits:
        assert fit_walk(t, np.log(t) + 1, 0, inf).end == last
    else:
        with pytest.raises(NoFit, match=r"too short \(99 updates"):
            fit_walk(t, np.log(t) + 1, 0, inf)


@pytest.mark.parametrize(
    ("log", "power", "says"),
    [
        (Quality(0.95, 1.0, 0.04), Quality(0.95, 2.0, 0.04), "a + b ln t (2 of 2)"),
        (Quality(0.95, 2.0, 0.04), Quality(0.95, 1.0, 0.04), "a t^b (2 of 2)"),
        (Quality(0.95, 1.0, 0.06), Quality(0.95, 2.0, 0.04), "neither; closer: a + b ln t (2 of 2)"),
        (Quality(0.85, 1.0, 0.04), Quality(0.95, 2.0, 0.04), "neither; closer: a + b ln t (2 of 2)"),
    ],
)
def test_a_law_that_fits_badly_is_no_verdict(log: Quality, power: Quality, says: str) -> None:
    fit = WalkFit(1, 1000, 20, 0.0, 1.0, log, power)
    assert verdict([fit, fit]) == says


@pytest.mark.parametrize(
    ("log_errors", "says"),
    [
        ([0.9, 0.9, 9.0], "a + b ln t (2 of 3)"),
        ([1.1, 1.1, 0.1], "a t^b (2 of 3)"),
        ([0.9, 1.2], "a t^b (1 of 2)"),
    ],
)
def test_most_seeds_decide_and_the_mean_error_where_as_many_are_for_either(
    log_errors: list[float], says: str
) -> None:
    fits = [WalkFit(1, 9, 9, 0.0, 1.0, Quality(1.0, e, 0.01), Quality(1.0, 1.0, 0.01)) for e in log_errors]
    assert verdict(fits) == says
