"""The maximization in a box, on functions whose maximum is known in closed form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gengap.landscape.box import MOST_CORRECTIONS, WORK_BYTES, corrections_for, maximize

GENERATOR = np.random.default_rng(0)
SIZE = 30
SIGN = GENERATOR.choice([-1.0, 1.0], SIZE)
RADIUS = 10.0 ** GENERATOR.uniform(-4, 0, SIZE)
SLOPE = SIGN * GENERATOR.uniform(0.5, 2, SIZE) / RADIUS  # about as steep along each side


def test_linear_function_is_largest_at_the_corner_of_its_slope():
    found = maximize(lambda y: (2 + SLOPE @ y, SLOPE), RADIUS)
    assert found.at_zero == 2
    assert found.value == pytest.approx(2 + np.abs(SLOPE) @ RADIUS, rel=1e-14)
    assert found.line_search == "converged"


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e3])
def test_unit_of_the_loss_and_size_of_the_box_do_not_matter(unit, size):
    found = maximize(lambda y: (unit * SLOPE @ y, unit * SLOPE), size * RADIUS)
    assert found.value == pytest.approx(unit * size * np.abs(SLOPE) @ RADIUS, rel=1e-14)


def test_ten_iterations_come_close_where_some_sides_are_hardly_steep():
    slope = GENERATOR.normal(size=1000)
    radius = 10.0 ** GENERATOR.uniform(-4, 0, 1000)
    found = maximize(lambda y: (slope @ y, slope), radius)
    assert 0.999 < found.value / (np.abs(slope) @ radius) <= 1


INSIDE = SIGN * GENERATOR.uniform(0.2, 0.8, SIZE)


def concave(center):
    """-½ (y - c)ᵀ H (y - c), and its gradient, for a positive definite H."""
    root = GENERATOR.normal(size=(SIZE, SIZE))
    hessian = root @ root.T / SIZE + np.eye(SIZE)

    def function(y):
        pull = hessian @ (y - center)
        return -0.5 * (y - center) @ pull, -pull

    return function


def test_concave_quadratic_is_largest_at_its_center_inside_the_box():
    found = maximize(concave(INSIDE), np.ones(SIZE), iterations=200)
    assert found.value == pytest.approx(0, abs=1e-12)


def test_separable_concave_quadratic_is_largest_at_the_clipped_center():
    center, weight = GENERATOR.normal(size=SIZE) * RADIUS, GENERATOR.uniform(0.5, 2, SIZE) / RADIUS**2
    clipped = np.clip(center, -RADIUS, RADIUS)
    assert 0 < np.sum(clipped == center) < SIZE

    def value(y):
        return -0.5 * weight @ (y - center) ** 2

    found = maximize(lambda y: (value(y), -weight * (y - center)), RADIUS, iterations=200)
    assert found.value == pytest.approx(value(clipped), rel=1e-9)


def test_separable_convex_quadratic_is_largest_at_the_far_corner():
    center = SIGN * GENERATOR.uniform(0.1, 0.5, SIZE) * RADIUS
    weight = GENERATOR.uniform(0.5, 2, SIZE) / RADIUS**2
    corner = -np.sign(center) * RADIUS

    def value(y):
        return 0.5 * weight @ (y - center) ** 2

    found = maximize(lambda y: (value(y), weight * (y - center)), RADIUS)
    assert found.value == pytest.approx(value(corner), rel=1e-12)


def test_a_descent_direction_given_as_gradient_is_reported_and_never_ends_below_the_start():
    """The sign error of a known implementation: then no step along the gradient raises the value."""
    found = maximize(lambda y: (5 + SLOPE @ y, -SLOPE), RADIUS)
    assert found.value == found.at_zero == 5
    assert found.line_search.startswith("abnormal: ABNORMAL")


@given(
    noise=st.floats(1e-12, 10), seed=st.integers(0, 2**32 - 1), holes=st.booleans(), size=st.integers(1, 20)
)
def test_the_objective_never_ends_below_its_start(noise, seed, holes, size):
    generator = np.random.default_rng(seed)
    slope = generator.normal(size=size)
    start = generator.normal()

    def noisy(y):
        value = start + slope @ y + noise * generator.normal() * bool(y.any())
        if holes and generator.random() < 0.2 and y.any():
            value = generator.choice([np.nan, np.inf, -np.inf])
        return value, slope + noise * generator.normal(size=size)

    found = maximize(noisy, np.full(size, 0.1))
    assert np.isfinite(found.value)
    assert found.value >= found.at_zero == start
    assert found.line_search in ("converged", "limit") or found.line_search.startswith("abnormal: ")


def test_a_box_that_the_loss_overflows_in_is_said_to_be_one():
    found = maximize(lambda y: (1.0 if not y.any() else np.inf, SLOPE), RADIUS)
    assert (found.value, found.line_search) == (1.0, "abnormal: the loss is not finite in the whole box")


@pytest.mark.parametrize(
    ("slope", "ended"),
    [(0.0, "converged: the gradient is 0"), (np.nan, "abnormal: the gradient is not finite")],
)
def test_without_a_direction_there_is_no_step(slope, ended):
    found = maximize(lambda y: (3.0, np.full(SIZE, slope)), RADIUS)
    assert (found.value, found.evaluations, found.iterations, found.line_search) == (3, 1, 0, ended)


def test_iterations_are_a_limit():
    found = maximize(concave(INSIDE), np.ones(SIZE), iterations=3)
    assert (found.iterations, found.line_search) == (3, "limit")


@pytest.mark.parametrize("size", [1, 76_938, 1_462_794, 61_110_184, 10**9])
def test_work_area_stays_within_its_bytes_or_holds_one_pair(size):
    corrections = corrections_for(size)
    assert 1 <= corrections <= MOST_CORRECTIONS
    assert corrections == 1 or 8 * size * (2 * corrections + 5) <= WORK_BYTES
    more = corrections + 1
    assert corrections == MOST_CORRECTIONS or 8 * size * (2 * more + 5) > WORK_BYTES
