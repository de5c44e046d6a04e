"""Mean, spread and interval over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt

import numpy as np
from scipy.stats import t


@dataclass(frozen=True)
class Summary:
    """What n seeds say, in the unit of the values.

    std: sample standard deviation (n - 1 in the denominator). half_width: of the 95 % t-interval of the mean.
    Both are None for n = 1: one seed says nothing about the spread.
    """

    n: int
    mean: float
    std: float | None
    half_width: float | None


def summarise(values: Sequence[float], level: float = 0.95) -> Summary:
    """Summarise one value a seed.

    Raises:
        ValueError: there are no values.
    """
    n = len(values)
    if n == 0:
        raise ValueError("no values to summarise")
    mean = float(np.mean(values))
    if n == 1:
        return Summary(1, mean, None, None)
    std = float(np.std(values, ddof=1))
    return Summary(n, mean, std, _quantile(level, n) * std / sqrt(n))


@cache  # scipy takes 0.1 ms, and a figure has thousands of points
def _quantile(level: float, n: int) -> float:
    return float(t.ppf((1 + level) / 2, n - 1))


def binomial_error(accuracy: float, size: float) -> float | None:
    """Standard error of one accuracy (percent) measured on `size` samples, in points; None without a size."""
    return None if not size > 0 else sqrt(accuracy * (100 - accuracy) / size)
