"""The settings of each kind of measurement; free of torch."""

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
    """What every kind has.

    A field that is a tuple takes a list, measured in one record; a list for any other field makes a record of
    each value.
    """

    of_trained: ClassVar[bool] = True  # whether the run's trained weights are what is measured

    batch_norm: str = key("where the statistics of batch norm come from", "trained")
    batch: int = key("images per batch whose statistics batch_norm=batch takes", 1000, within=Range(2, 10**6))
    samples: int | None = key("training images, chosen at random; null for all", None, within=SAMPLES)
    dtype: str = key("of the forward pass", "float32")

    def choices(self) -> dict[str, Sequence[str]]:
        """The texts that a field may be."""
        return {"batch_norm": MODES, "dtype": DTYPES}


@dataclass(frozen=True)
class Sharpness(Settings):
    """Keskar et al.'s Metric 2.1."""

    epsilon: tuple[float, ...] = key("ε, half the side of the box", (1e-3, 5e-4), within=POSITIVE)
    subspace: int | None = key("dimensions of a random subspace; null for all weights", None, within=_COUNT)
    iterations: int = key("of L-BFGS-B", 10, within=_COUNT)


@dataclass(frozen=True)
class Adaptive(Settings):
    """Elementwise adaptive sharpness (Kwon et al. 2021)."""

    rho: tuple[float, ...] = key(
        "ρ, the box's half side relative to each weight", (1e-2, 5e-3), within=POSITIVE
    )
    iterations: int = key("of L-BFGS-B", 10, within=_COUNT)


@dataclass(frozen=True)
class Line(Settings):
    """Loss and accuracy from one trained network to another."""

    start: str = key("the run at α = 0: an experiment, or sb for the workload's small batch", "sb")
    path: str = key("shape of the path", "linear")
    points: int = key(
        "values of α, evenly spaced in [-1, 2]; in [0, 1] on the curved path", 31, within=Range(4, 10**4)
    )

    def choices(self) -> dict[str, Sequence[str]]:
        """As for Settings; a line can also interpolate the statistics."""
        return super().choices() | {"batch_norm": (*MODES, "interpolated"), "path": ("linear", "curved")}


@dataclass(frozen=True)
class Curvature(Settings):
    """The largest eigenvalues of the Hessian, and its trace."""

    eigenvalues: int = key("how many, the largest", 5, within=Range(1, 1000))
    probes: int = key("random vectors that estimate the trace", 30, within=Range(2, 10**6))
    tolerance: float = key("relative, of an eigenvalue's residual", 1e-3, within=Range(0, 1))


KINDS: Mapping[str, type[Settings]] = {
    "sharpness": Sharpness,
    "adaptive": Adaptive,
    "line": Line,
    "curvature": Curvature,
}


def digest(kind: str, settings: Settings, of: Mapping[str, Any]) -> str:
    """8 hex digits that name a measurement among those of one run and kind.

    Args:
        kind: of measurement.
        settings: only those that differ from the defaults count, so that a new one renames nothing.
        of: what else the measurement depends on, such as the other run of a line.
    """
    changed = {
        f.name: getattr(settings, f.name) for f in fields(settings) if getattr(settings, f.name) != f.default
    }
    text = json.dumps({"kind": kind, **changed, **of}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def as_dict(settings: Settings) -> dict[str, Any]:
    """The settings for the record."""
    return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(settings).items()}
