"""Mean, standard deviation and interval over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt

import numpy as np
from scipy.stats import t

ROUNDING = 1e-9  # relative width of an interval up to which its values count as equal


@dataclass(frozen=True)
class Summary:
    """A summary over n seeds, in the unit of the values.

    std: sample standard deviation (n - 1 in the denominator). half_width: half-width of the mean's
    t-interval. one_more: half-width of the prediction interval for the value of one further seed. All are
    None for n = 1.
    """

    n: int
    mean: float
    std: float | None
    half_width: float | None
    one_more: float | None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper end of the mean's t-interval; None for n = 1."""
        return None if self.half_width is None else (self.mean - self.half_width, self.mean + self.half_width)

    def is_within(self, low: float, high: float) -> bool | None:
        """Whether the t-interval lies in this range; False if all of it lies outside, None if neither."""
        if self.interval is None:
            return None
        first, last = self.interval
        return True if low <= first and last <= high else False if last < low or first > high else None

    @property
    def sign(self) -> int:
        """1 or -1 if the t-interval excludes 0, otherwise 0.

        It is also 0 for a single value, and if all values are equal: differences of accuracies are whole
        numbers of images, so those of a few seeds may coincide by chance, and an interval of width 0 is
        meaningless.
        """
        if self.half_width is None or abs(self.mean) <= self.half_width:
            return 0
        if self.half_width <= ROUNDING * abs(self.mean):
            return 0
        return 1 if self.mean > 0 else -1


def summarize(values: Sequence[float], level: float = 0.95) -> Summary:
    """Summarize one value per seed; `level` is the level of the intervals.

    Raises:
        ValueError: there are no values.
    """
    n = len(values)
    if n == 0:
        raise ValueError("no values to summarize")
    mean = float(np.mean(values))
    if n == 1:
        return Summary(1, mean, None, None, None)
    std = float(np.std(values, ddof=1))
    quantile = _quantile(level, n)
    return Summary(n, mean, std, quantile * std / sqrt(n), quantile * std * sqrt(1 + 1 / n))


@cache  # scipy takes 0.1 ms per call, and figures have thousands of points
def _quantile(level: float, n: int) -> float:
    return float(t.ppf((1 + level) / 2, n - 1))


def binomial_error(accuracy: float, size: float) -> float | None:
    """Standard error, in points, of an accuracy (%) measured on `size` samples; None if size is unknown."""
    return None if not size > 0 else sqrt(accuracy * (100 - accuracy) / size)
