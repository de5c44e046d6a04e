"""Up to which batch size more samples per update pay off, from a measured gradient noise scale.

McCandlish et al. 2018, "An empirical model of large-batch training", section 2.3: to reach the same training
loss with B samples per update takes S_min (1 + B_noise / B) updates and E_min (1 + B / B_noise) samples. This
is a rule of thumb: the model is quadratic, and B_noise is replaced by the gradient noise scale tr Σ / ‖G‖².
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gengap.errors import UserError, printable
from gengap.paths import expanded
from gengap.plan.numbers import number
from gengap.runs.measured import check_kind
from gengap.runs.measurements import read_measurement

KEY, KIND = "noise_scale", "walk"


@dataclass(frozen=True)
class NoiseScale:
    """A gradient noise scale in samples, the record it was read from, if any, and its range there.

    range: lowest and highest value over the record's updates. batch_norm: mode of batch norm in the record.
    """

    samples: float
    record: str | None = None
    range: tuple[float, float] | None = None
    batch_norm: str | None = None

    def updates(self, batch: int) -> float:
        """Updates needed to reach the same loss at `batch` samples each, relative to the minimum."""
        return 1 + self.samples / batch

    def processed(self, batch: int) -> float:
        """Samples needed to reach the same loss at `batch` samples per update, relative to the minimum."""
        return 1 + batch / self.samples


def read_noise_scale(values: Mapping[str, str]) -> NoiseScale | None:
    """Read the value typed for `noise_scale`: a number of samples, or a record of `gengap landscape walk`.

    Raises:
        UserError: it is neither, or the record is damaged or contains no noise scale.
    """
    text = values.get(KEY)
    if text is None:
        return None
    with suppress(ValueError):
        float(text)
        return NoiseScale(float(number(values, KEY)))
    file = expanded(text)
    record = read_measurement(file)
    if record is None or record["kind"] != KIND:
        raise UserError(
            f"{KEY}={text} is neither a number of samples nor a record of gengap landscape walk: name a file "
            "such as results/landscape/RUN/seed0/walk-DIGEST.json"
        )
    check_kind(file, record)
    measurements = record["measurements"]
    points = _by_update(file, measurements)
    scales = [scale for _, scale in points]
    mode = measurements[0]["batch_norm"]
    return NoiseScale(_mean(points), printable(file), (min(scales), max(scales)), mode)


def _by_update(file: Path, measurements: Sequence[Mapping[str, Any]]) -> list[tuple[int, float]]:
    """List updates and noise scales, each from the largest batch, whose error is smallest.

    Raises:
        UserError: there are none.
    """
    largest: dict[int, Mapping[str, Any]] = {}
    for m in measurements:
        best = largest.get(m["update"])
        if m[KEY] is not None and (best is None or m["batch_size"] > best["batch_size"]):
            largest[m["update"]] = m
    if not largest:
        raise UserError(
            f"{printable(file)} has no noise scale: measure it with batch_norm=ghost and sizes of several "
            "ghosts"
        )
    return sorted((update, float(m[KEY])) for update, m in largest.items())


def _mean(points: Sequence[tuple[int, float]]) -> float:
    """Average the noise scale over updates, which gives E_min / S_min if it changes during training.

    See McCandlish et al. 2018, appendix D. Between updates, it is interpolated linearly.
    """
    pairs = list(zip(points, points[1:], strict=False))
    length = points[-1][0] - points[0][0]
    area = sum((after - before) * (low + high) / 2 for (before, low), (after, high) in pairs)
    return area / length if length else points[0][1]


def noise_note(scale: NoiseScale, small: int, large: int) -> str:
    """Describe what the noise scale implies for going from `small` to `large` samples per update."""
    noise = f"{scale.samples:.4g}" if scale.range is None else f"about {_rounded(scale.samples)}"
    measured, about = "", noise if scale.range else f"about {noise}"
    if scale.range:
        low, high = map(_rounded, scale.range)
        over = "" if low == high else f", {low} to {high} at single ones"
        mode = f"with batch norm in mode {scale.batch_norm}"
        measured = f" (mean over the updates that {scale.record} spans{over}; {mode})"
    fewer = scale.updates(large) / scale.updates(small)
    more = scale.processed(large) / scale.processed(small)
    return (
        f"Noise scale {noise}{measured}: by the rule of thumb of McCandlish et al. 2018, the same training "
        "loss takes updates in proportion to 1 + B_noise/B and samples in proportion to 1 + B/B_noise, so "
        f"from {small:,} to {large:,} {fewer:.3g} times the updates and {more:.3g} times the samples. More "
        f"samples per update should pay up to a batch of {about}, where a sample is half as efficient "
        "as in a small batch and doubling the batch saves a quarter of the updates; beyond, less and less. "
        "The rule is about training loss and says nothing about generalization."
    )


def _rounded(samples: float) -> str:
    """Round to two significant digits, which is already more precise than the estimate."""
    value = float(f"{samples:.2g}")
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"
