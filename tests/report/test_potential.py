"""The exponent of a random potential: on potentials whose exponent is known."""

import numpy as np
import pytest

from gengap.report.potential import BINS, binned, fit_alpha, samples

RADIUS, DIRECTIONS = 10.0, 1000


def brownian(alpha: float, generator) -> tuple[np.ndarray, np.ndarray]:
    """Fractional Brownian motions of Hurst exponent α/2, one along each direction, at uniform distances."""
    distance = generator.uniform(0, RADIUS, DIRECTIONS)
    return distance, distance ** (alpha / 2) * generator.normal(size=DIRECTIONS)


def test_bins_hold_the_mean_squares():
    distance, difference = np.array([0.5, 1.5, 2.5, 2.6]), np.array([1.0, -2.0, 3.0, -4.0])
    found = binned(distance, difference, 5, 5.0)
    assert found.count.tolist() == [1, 1, 2]
    np.testing.assert_allclose(found.std, [1, 2, np.sqrt(12.5)])
    np.testing.assert_allclose(found.mean, [1, -2, -0.5])
    np.testing.assert_allclose(found.distance, [0.5, 1.5, np.sqrt((2.5**2 + 2.6**2) / 2)])
    assert found.weight[:2].tolist() == [1, 1]
    assert 1.9 < found.weight[2] < 2


def test_the_largest_distance_is_in_the_last_bin():
    assert binned(np.array([1.0, 10.0]), np.ones(2), 10, 10.0).count.tolist() == [1, 1]


@pytest.mark.parametrize("bins", BINS)
@pytest.mark.parametrize("alpha", [1.0, 2.0, 3.0])
def test_a_power_law_is_found_exactly(alpha, bins):
    distance = np.linspace(0.001, RADIUS, 5000)
    fit = fit_alpha(distance, 0.3 * distance ** (alpha / 2), bins, RADIUS)
    assert fit.alpha == pytest.approx(alpha, rel=1e-6)
    assert fit.scale == pytest.approx(0.3, rel=1e-6)
    assert fit.r_squared == pytest.approx(1)


@pytest.mark.parametrize("bins", [10, 100])
@pytest.mark.parametrize("alpha", [1.0, 2.0, 3.0])
def test_the_estimate_is_unbiased_and_its_interval_covers(alpha, bins):
    generator = np.random.default_rng(0)
    fits = [fit_alpha(*brownian(alpha, generator), bins, RADIUS) for _ in range(400)]
    found = np.array([f.alpha for f in fits])
    assert abs(found.mean() - alpha) < 4 * found.std() / 20
    assert np.mean([f.error for f in fits]) == pytest.approx(found.std(), rel=0.15)
    assert np.mean([f.low <= alpha <= f.high for f in fits]) == pytest.approx(0.95, abs=0.035)


def test_a_linear_potential_in_many_dimensions_has_exponent_2():
    """L(w) = g · w along uniform directions: the std is ‖g‖ / √P times the distance."""
    generator = np.random.default_rng(0)
    slope = generator.normal(size=500)
    directions = generator.normal(size=(DIRECTIONS, 500))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    distance = generator.uniform(0, RADIUS, DIRECTIONS)
    fit = fit_alpha(distance, distance * (directions @ slope), 20, RADIUS)
    assert fit.low < 2 < fit.high
    assert fit.scale == pytest.approx(np.linalg.norm(slope) / np.sqrt(500), rel=0.15)


def test_a_bowl_has_exponent_4_and_a_mean_that_is_all_of_its_std():
    distance = np.linspace(0.01, RADIUS, DIRECTIONS)
    assert fit_alpha(distance, distance**2, 10, RADIUS).alpha == pytest.approx(4, rel=1e-6)
    found = binned(distance, distance**2, 10, RADIUS)
    assert np.all(found.mean > 0.7 * found.std)


def test_a_flat_potential_or_too_few_bins_have_no_exponent():
    distance = np.linspace(0.1, RADIUS, 50)
    assert fit_alpha(distance, np.zeros(50), 10, RADIUS) is None
    assert fit_alpha(distance[:2], distance[:2], 10, RADIUS) is None


def test_samples_are_the_differences_from_the_initial_loss():
    parts = [
        {"loss": 2.0, "distances": [1.0, 2.0], "losses": [2.5, 1.0]},
        {"loss": 2.0, "distances": [3.0], "losses": [2.0]},
    ]
    distance, difference = samples(parts)
    assert distance.tolist() == [1, 2, 3]
    assert difference.tolist() == [0.5, -1, 0]
