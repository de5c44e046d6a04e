"""Estimates of a gradient's mean, covariance and noise scale, on gradients whose values are known."""

import numpy as np
import pytest

from gengap.landscape.gradient_noise import Estimate, gradient_noise

DIMENSION = 5
MEAN = np.array([0.3, -0.2, 0.1, 0.0, 0.4])
FACTOR = np.random.default_rng(1).normal(size=(DIMENSION, DIMENSION))
COVARIANCE = FACTOR @ FACTOR.T  # of one sample
GHOSTS, GHOST = 4, 8  # ghosts per batch, samples per ghost


def gradients(batches: int, seed: int) -> np.ndarray:
    """The gradients of the ghosts of independent batches (batches, ghosts, dimension)."""
    noise = np.random.default_rng(seed).normal(size=(batches, GHOSTS, DIMENSION)) @ FACTOR.T
    return MEAN + noise / np.sqrt(GHOST)


def estimates(ghosts: np.ndarray):
    batches = ghosts.mean(axis=1)
    per_sample = GHOST * ghosts.var(axis=1, ddof=1).sum(axis=1)
    return gradient_noise(batches @ batches.T, per_sample)


def test_the_covariance_is_numpy_s():
    ghosts = gradients(12, seed=0)
    expected = np.trace(np.cov(ghosts.mean(axis=1).T))
    assert estimates(ghosts).covariance.value == pytest.approx(expected, rel=1e-12)


def test_estimates_are_unbiased_and_their_errors_are_the_scatter():
    found = [estimates(gradients(12, seed)) for seed in range(2000)]
    check([f.squared_mean for f in found], MEAN @ MEAN)
    check([f.covariance for f in found], np.trace(COVARIANCE) / (GHOSTS * GHOST))


def check(found: list[Estimate], expected: float) -> None:
    values = np.array([f.value for f in found])
    scatter = values.std(ddof=1)
    assert abs(values.mean() - expected) < 4 * scatter / np.sqrt(len(values))
    assert np.sqrt(np.mean([f.error**2 for f in found])) == pytest.approx(scatter, rel=0.15)


def test_the_noise_scale_is_that_of_the_two_batch_size_estimator():
    """McCandlish et al. 2018, equations A.2 and A.3, with a ghost and all samples together."""
    ghosts = gradients(200, seed=0)
    small, big = GHOST, ghosts.shape[0] * GHOSTS * GHOST
    small_norm = np.mean(np.sum(ghosts**2, axis=2))
    big_norm = np.sum(ghosts.mean(axis=(0, 1)) ** 2)
    squared_mean = (big * big_norm - small * small_norm) / (big - small)
    trace = (small_norm - big_norm) / (1 / small - 1 / big)
    found = estimates(ghosts).noise_scale
    assert found.value == pytest.approx(trace / squared_mean, rel=0.01)
    exact = np.trace(COVARIANCE) / (MEAN @ MEAN)
    assert abs(found.value - exact) < 4 * found.error < exact


def test_a_mean_below_its_noise_has_no_noise_scale():
    found = next(f for f in (estimates(gradients(4, s)) for s in range(100)) if f.squared_mean.value <= 0)
    assert found.noise_scale is None


def test_coupled_samples_have_no_noise_scale():
    batches = gradients(12, seed=0).mean(axis=1)
    assert gradient_noise(batches @ batches.T, None).noise_scale is None
