"""The settings of each kind of measurement, as typed after `gengap landscape KIND`; free of torch."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import Field, asdict, dataclass, fields
from difflib import get_close_matches
from itertools import product
from types import NoneType
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

from gengap.config.ranges import Range, check_number, shown
from gengap.config.schema import POSITIVE, SAMPLES, key
from gengap.errors import UserError, either

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


KINDS: Mapping[str, type[Settings]] = {"sharpness": Sharpness, "adaptive": Adaptive, "line": Line}


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


def split(kind: str, words: Sequence[str]) -> tuple[list[Settings], list[str]]:
    """Separate the settings of a kind from the words that say which runs.

    Returns:
        The settings of every record, in order, and the other words.

    Raises:
        UserError: a value that the setting does not take, or one that is given twice.
    """
    cls = KINDS[kind]
    typed: dict[str, list[Any]] = {}
    others = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in names(kind):
            _check_meant(kind, name)
            others.append(word)
        elif name in typed:
            raise UserError(f"{name} is given twice: leave one out")
        else:
            typed[name] = _values(cls, name, value)
    return [
        _checked(cls(**dict(zip(typed, values, strict=True)))) for values in product(*typed.values())
    ], others


def names(kind: str) -> list[str]:
    """The settings of a kind."""
    return [f.name for f in fields(KINDS[kind])]


def _check_meant(kind: str, name: str) -> None:
    """Refuse a misspelled setting here: as a key of the run, its suggestion would mislead."""
    if name in names(kind):
        raise UserError(f"{name} has no value: type {name}=VALUE")
    others = [other for other in KINDS if name in names(other)]
    if others:
        raise UserError(f"{name} is a setting of {either(others)}, not of {kind}: leave it out")
    near = get_close_matches(name, names(kind), n=1, cutoff=0.8)
    if near and "." not in name:
        raise UserError(f"unknown key {name}: did you mean {near[0]}?")


def _values(cls: type[Settings], name: str, text: str) -> list[Any]:
    """The values that a word gives: one tuple for a field that is a tuple."""
    kind = get_type_hints(cls)[name]
    parts = text.strip("[]").split(",")
    if not all(parts):
        raise UserError(f"{name} has no value: type {name}=VALUE")
    is_list = get_origin(kind) is tuple
    found = [_value(name, get_args(kind)[0] if is_list else kind, part) for part in parts]
    return [tuple(found)] if is_list else found


def _value(name: str, kind: Any, text: str) -> Any:
    allowed = get_args(kind) or (kind,)
    if NoneType in allowed and text in ("null", "none", "None"):
        return None
    if str in allowed:
        return text
    wanted = int if int in allowed else float
    try:
        return wanted(text)
    except ValueError:
        words = "a whole number" if wanted is int else "a number"
        raise UserError(f"{name}={shown(text)} must be {words}") from None


def _checked(settings: Settings) -> Settings:
    for field in fields(settings):
        value, range_ = getattr(settings, field.name), field.metadata.get("range")
        for one in value if isinstance(value, tuple) else (value,):
            if range_ is not None and one is not None:
                check_number(field.name, one, range_, whole=isinstance(one, int))
        choices = settings.choices().get(field.name)
        if choices and value not in choices:
            typed = either([f"{field.name}={choice}" for choice in choices])
            raise UserError(f"{field.name}={shown(value)} is unknown: type {typed}")
    return settings


def explained(kind: str) -> list[tuple[str, str, str]]:
    """Name, default as typed and explanation of each setting of a kind, for help and documentation."""
    return [(f.name, _typed(f.default), f.metadata["help"] + _taken(kind, f)) for f in fields(KINDS[kind])]


def _typed(default: Any) -> str:
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return "null" if default is None else str(default)


def _taken(kind: str, field: Field[Any]) -> str:
    """The choices or the range of a setting, as the end of its explanation."""
    choices = KINDS[kind]().choices().get(field.name)
    if choices:
        return f": {' | '.join(choices)}"
    return f"; in {field.metadata['range']}" if "range" in field.metadata else ""
