"""The settings of each kind of measurement; this module does not import torch."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from gengap.config.ranges import Range
from gengap.config.schema import POSITIVE, SAMPLES, key

MODES = ("trained", "recomputed", "batch")
DTYPES = ("float32", "float64")
_COUNT = Range(1, 10**6)


@dataclass(frozen=True)
class Settings:
    """Settings that every kind of measurement has.

    A field that is a tuple takes a list, all of it measured in one record; a list for any other field makes
    one record per value.
    """

    of_trained: ClassVar[bool] = True  # whether the run's trained weights are measured
    repeats_training: ClassVar[bool] = False  # whether measuring repeats the run's training

    batch_norm: str = key("where the statistics of batch norm come from", "trained")

    def choices(self) -> dict[str, Sequence[str]]:
        """Allowed values of text fields, by field name."""
        return {"batch_norm": MODES}


@dataclass(frozen=True)
class SurfaceSettings(Settings):
    """Settings that every kind has that measures the loss on a set of images."""

    batch: int = key("images per batch whose statistics batch_norm=batch takes", 1000, within=Range(2, 10**6))
    samples: int | None = key("training images, chosen at random; null for all", None, within=SAMPLES)
    dtype: str = key("of the forward pass", "float32")

    def choices(self) -> dict[str, Sequence[str]]:
        """Allowed values as in Settings, plus those of dtype."""
        return super().choices() | {"dtype": DTYPES}


@dataclass(frozen=True)
class Sharpness(SurfaceSettings):
    """Keskar et al.'s Metric 2.1."""

    epsilon: tuple[float, ...] = key(
        "ε; half the side of the box is ε (abs(weight) + 1)", (1e-3, 5e-4), within=POSITIVE
    )
    subspace: int | None = key("dimensions of a random subspace; null for all weights", None, within=_COUNT)
    iterations: int = key("of L-BFGS-B", 10, within=_COUNT)


@dataclass(frozen=True)
class Adaptive(SurfaceSettings):
    """Elementwise adaptive sharpness (Kwon et al. 2021)."""

    rho: tuple[float, ...] = key(
        "ρ, the box's half side relative to each weight", (1e-2, 5e-3), within=POSITIVE
    )
    iterations: int = key("of L-BFGS-B", 10, within=_COUNT)


@dataclass(frozen=True)
class Line(SurfaceSettings):
    """Loss and accuracy from one trained network to another."""

    start: str = key("the run at α = 0: an experiment, or sb for the workload's small batch", "sb")
    path: str = key("shape of the path", "linear")
    points: int = key(
        "values of α, evenly spaced in [-1, 2]; in [0, 1] on the curved path", 31, within=Range(4, 10**4)
    )

    def choices(self) -> dict[str, Sequence[str]]:
        """Allowed values as for other surfaces; a line can also interpolate the statistics."""
        return super().choices() | {"batch_norm": (*MODES, "interpolated"), "path": ("linear", "curved")}


@dataclass(frozen=True)
class Accuracy(Settings):
    """Loss and accuracy as in the run's own evaluation, with running statistics or exact ones instead."""

    def choices(self) -> dict[str, Sequence[str]]:
        """Allow running statistics from training, or exact ones over two versions of the training images."""
        return {"batch_norm": ("trained", "augmented", "recomputed")}


@dataclass(frozen=True)
class Curvature(SurfaceSettings):
    """The largest eigenvalues of the Hessian, and its trace."""

    eigenvalues: int = key("how many, the largest", 5, within=Range(1, 1000))
    probes: int = key("random vectors that estimate the trace", 30, within=Range(2, 10**6))
    tolerance: float = key("relative, of an eigenvalue's residual", 1e-3, within=Range(0, 1, low_open=True))


@dataclass(frozen=True)
class Potential(SurfaceSettings):
    """Loss along random directions from initial weights (Hoffer et al. 2017, Appendix B)."""

    of_trained: ClassVar[bool] = False

    batch_norm: str = key("where the statistics of batch norm come from", "batch")
    directions: int = key("random directions, one point on each", 1000, within=_COUNT)
    radius: float = key("largest distance from the initial weights", 10.0, within=POSITIVE)
    initial: str = key("initial weights, Glorot's or those of the run", "glorot")

    def choices(self) -> dict[str, Sequence[str]]:
        """Allowed values as for other surfaces, plus those of initial."""
        return super().choices() | {"initial": ("glorot", "run")}


@dataclass(frozen=True)
class Walk(Settings):
    """Mean and covariance of updates by batch size, and the gradient noise scale."""

    of_trained: ClassVar[bool] = False
    repeats_training: ClassVar[bool] = True

    batch_norm: str = key("where the statistics of batch norm come from", "ghost")
    sizes: tuple[int, ...] = key(
        "batch sizes; null for the small to the large batch by factors of 2", (), within=Range(2, 10**6)
    )
    draws: int = key("independent batches of each size", 32, within=Range(3, 10**4))
    points: int = key("updates to measure at: the start, and others evenly spaced in log t", 8, within=_COUNT)

    def choices(self) -> dict[str, Sequence[str]]:
        """Allow statistics of each ghost, of the whole batch, or running statistics from training."""
        return {"batch_norm": ("ghost", "batch", "trained")}


KINDS: Mapping[str, type[Settings]] = {
    "sharpness": Sharpness,
    "adaptive": Adaptive,
    "line": Line,
    "accuracy": Accuracy,
    "curvature": Curvature,
    "potential": Potential,
    "walk": Walk,
}


def digest(kind: str, settings: Settings, of: Mapping[str, Any]) -> str:
    """Compute 8 hex digits that identify a measurement among those of one run and kind.

    Args:
        kind: kind of measurement.
        settings: settings, of which only those that differ from the defaults count, so that adding one
            renames nothing.
        of: anything else the measurement depends on, such as the other run of a line.
    """
    changed = {
        f.name: getattr(settings, f.name) for f in fields(settings) if getattr(settings, f.name) != f.default
    }
    text = json.dumps({"kind": kind, **changed, **of}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def as_dict(settings: Settings) -> dict[str, Any]:
    """Settings in the form kept in the record."""
    return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(settings).items()}
