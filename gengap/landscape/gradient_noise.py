"""Estimate mean, covariance and noise scale of a gradient from independent batches, with jackknife errors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """An estimate and its standard error, from the jackknife over batches."""

    value: float
    error: float


@dataclass(frozen=True)
class GradientNoise:
    """Estimates about the gradient ĝ of a batch, from K independent batches of the same size.

    Attributes:
        covariance: tr cov(ĝ).
        squared_mean: unbiased estimate of ‖E ĝ‖², which noise can make negative. (‖mean of the ĝ‖² would be
            too large by tr cov(ĝ) / K.)
        noise_scale: tr Σ / ‖E ĝ‖² in samples, where Σ is the covariance of a single sample's gradient
            (McCandlish et al. 2018, B_simple); None if it is not measured or ‖E ĝ‖² is not above 0.
    """

    covariance: Estimate
    squared_mean: Estimate
    noise_scale: Estimate | None


def gradient_noise(products: Array, per_sample: Array | None) -> GradientNoise:
    """Estimate mean, covariance and noise scale from inner products of gradients.

    ‖E ĝ‖² is the mean of ĝ_k · ĝ_l over pairs of distinct batches. With tr Σ from the ghosts within each
    batch, the noise scale is that of the two-batch-size estimator (McCandlish et al. 2018, Appendix A.1),
    where the small batch is a ghost and the large batch is all K batches together.

    Args:
        products: inner products ĝ_k · ĝ_l (K, K), with K >= 3.
        per_sample: estimates of tr Σ within each batch (K,); None if that is not possible.
    """

    def covariance(a: Array, _: Array | None) -> float:
        return float((np.trace(a) - a.sum() / len(a)) / (len(a) - 1))

    def squared_mean(a: Array, _: Array | None) -> float:
        return float((a.sum() - np.trace(a)) / (len(a) * (len(a) - 1)))

    def noise_scale(a: Array, s: Array | None) -> float:
        assert s is not None
        return float(s.mean() / squared_mean(a, s))

    def estimate(statistic: Callable[[Array, Array | None], float]) -> Estimate:
        return _jackknife(statistic, products, per_sample)

    found = estimate(squared_mean)
    has_scale = per_sample is not None and found.value > 0
    return GradientNoise(estimate(covariance), found, estimate(noise_scale) if has_scale else None)


def _jackknife(
    statistic: Callable[[Array, Array | None], float], products: Array, per_sample: Array | None
) -> Estimate:
    """Compute the statistic over all batches, and its standard error by leaving out one batch at a time."""
    count = len(products)
    without = [np.delete(np.arange(count), k) for k in range(count)]
    left = np.array(
        [
            statistic(products[np.ix_(rest, rest)], None if per_sample is None else per_sample[rest])
            for rest in without
        ]
    )
    error = np.sqrt((count - 1) / count * np.sum((left - left.mean()) ** 2))
    return Estimate(statistic(products, per_sample), float(error))
