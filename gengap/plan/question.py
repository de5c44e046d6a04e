"""What `gengap plan` is asked: a small-batch recipe and the large batch it shall move to."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from gengap.errors import UserError

EXAMPLE = (
    "gengap plan small_batch=256 large_batch=4096 lr=0.1 epochs=90 milestones=30,60,80 dataset_size=1281167"
)
REQUIRED = ("small_batch", "large_batch", "lr", "epochs", "dataset_size")
OPTIONAL = (
    "milestones", "gamma", "ghost_size", "warmup_epochs", "optimizer", "momentum", "betas", "micro_batch",
    "results_dir",
)  # fmt: skip
OPTIMIZERS = ("sgd", "adam")
GHOST_SIZE = 128  # the paper's, in all its experiments
_LARGEST_BATCH = 10**6  # up to here the batches' ratio survives the trip through a float (regime.exact)


@dataclass(frozen=True)
class Question:
    """A recipe that works at `small_batch`, and where it shall go.

    lr holds one rate a phase; phase k + 1 starts at epoch milestones[k]. gamma is the ratio of one phase's
    rate to the last one's, None where it changes or there is one phase only.
    """

    small_batch: int
    large_batch: int
    dataset_size: int
    epochs: Fraction
    lr: tuple[Fraction, ...]
    milestones: tuple[Fraction, ...]
    gamma: Fraction | None
    ghost_size: int
    warmup_epochs: Fraction
    optimizer: str
    momentum: Fraction
    betas: tuple[Fraction, Fraction]
    micro_batch: int | None
    results_dir: Path


def read_question(values: Mapping[str, str]) -> Question:
    """Read values by key, as they were typed.

    Raises:
        UserError: a value is missing, no number, or contradicts another.
    """
    _check_complete(values)
    small, large = _whole(values, "small_batch"), _whole(values, "large_batch")
    size, epochs = _whole(values, "dataset_size"), _number(values, "epochs")
    _check_batches(small, large, size)
    milestones = _numbers(values, "milestones") if "milestones" in values else ()
    _check_milestones(milestones, epochs)
    warmup = _number(values, "warmup_epochs", "0", zero=True)
    first = milestones[0] if milestones else epochs
    if warmup > first:
        raise UserError(f"warmup_epochs={_text(warmup)} goes beyond the first phase of {_text(first)} epochs")
    momentum = _number(values, "momentum", "0.9", zero=True)
    betas = _numbers(values, "betas", "0.9,0.999", zero=True)
    optimizer = values.get("optimizer", "sgd")
    if optimizer not in OPTIMIZERS:
        raise UserError(
            f"optimizer={optimizer} is unknown: use optimizer={' or optimizer='.join(OPTIMIZERS)}"
        )
    if momentum >= 1 or max(betas) >= 1 or len(betas) != 2:
        raise UserError("momentum and both betas must be below 1: momentum=0.9, betas=0.9,0.999")
    rates = _rates(values, milestones)
    ghost = _ghost_size(values, small, large)
    return Question(
        small, large, size, epochs, rates, milestones, _gamma(rates), ghost, warmup, optimizer, momentum,
        (betas[0], betas[1]), _micro_batch(values, ghost, large),
        Path(values.get("results_dir", "results")).expanduser(),
    )  # fmt: skip


def _check_complete(values: Mapping[str, str]) -> None:
    missing = [key for key in REQUIRED if key not in values]
    if missing:
        example = next(a for a in EXAMPLE.split() if a.startswith(f"{missing[0]}="))
        raise UserError(f"{missing[0]} is missing: add it, for example {example}; whole: {EXAMPLE}")


def _whole(values: Mapping[str, str], key: str) -> int:
    try:
        value = int(values[key])
    except ValueError:
        raise UserError(f"{key}={values[key]} is not a whole number") from None
    if not 1 <= value <= 10**12:
        raise UserError(f"{key} must be between 1 and 10^12, not {values[key]}")
    return value


def _number(values: Mapping[str, str], key: str, default: str = "", *, zero: bool = False) -> Fraction:
    found = _numbers(values, key, default, zero=zero)
    if len(found) != 1:
        raise UserError(f"{key}={values[key]} must be one number")
    return found[0]


def _numbers(
    values: Mapping[str, str], key: str, default: str = "", *, zero: bool = False
) -> tuple[Fraction, ...]:
    """Comma-separated numbers as the exact decimals typed, so that 0.1 times 0.1 is 0.01."""
    text = values.get(key, default)
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"{key}={text} is no number, or no list of numbers as in 30,60,80") from None
    if not all(math.isfinite(v) and (v > 0 or (zero and v == 0)) for v in found):
        raise UserError(f"{key}={text} must be {'0 or more' if zero else 'above 0'} and finite")
    return tuple(Fraction(repr(v)) for v in found)


def _check_batches(small: int, large: int, size: int) -> None:
    if large <= small:
        raise UserError(f"large_batch={large} must be above small_batch={small}: are they swapped?")
    if large > _LARGEST_BATCH:
        raise UserError(f"large_batch={large} is more than {_LARGEST_BATCH}: lower it")
    if large > size:
        raise UserError(f"large_batch={large} is more than dataset_size={size}: lower it")


def _check_milestones(milestones: Sequence[Fraction], epochs: Fraction) -> None:
    if list(milestones) != sorted(set(milestones)):
        shown = ",".join(map(_text, milestones))
        raise UserError(f"milestones={shown} must ascend: type milestones=30,60,80")
    if milestones and milestones[-1] >= epochs:
        last, end = _text(milestones[-1]), _text(epochs)
        raise UserError(f"milestones: {last} is not reached in epochs={end}: leave it out or raise epochs")


def _rates(values: Mapping[str, str], milestones: Sequence[Fraction]) -> tuple[Fraction, ...]:
    rates, phases = _numbers(values, "lr"), len(milestones) + 1
    if len(rates) == 1:
        gamma = _number(values, "gamma", "0.1")
        return tuple(rates[0] * gamma**k for k in range(phases))
    if "gamma" in values:
        raise UserError("give either one lr with gamma, or one lr a phase without")
    if len(rates) != phases:
        raise UserError(
            f"lr has {len(rates)} rates for {phases} phases: give one, or one more than milestones"
        )
    return rates


def _gamma(rates: Sequence[Fraction]) -> Fraction | None:
    ratios = {after / before for before, after in zip(rates, rates[1:], strict=False)}
    return ratios.pop() if len(ratios) == 1 else None


def _ghost_size(values: Mapping[str, str], small: int, large: int) -> int:
    """The one typed, or the largest divisor of the large batch up to the small one and the paper's."""
    if "ghost_size" not in values:
        most = min(small, GHOST_SIZE)
        found = max(d for d in range(1, most + 1) if large % d == 0)
        if 2 * found < most:
            raise UserError(
                f"large_batch={large} has no divisor from {most // 2} to {most} to be the ghost size: "
                f"use large_batch={large // most * most}, or set ghost_size"
            )
        return found
    ghost = _whole(values, "ghost_size")
    if large % ghost:
        raise UserError(
            f"ghost_size={ghost} does not divide large_batch={large}: use {_nearest_divisors(large, ghost)}"
        )
    return ghost


def _nearest_divisors(number: int, wanted: int) -> str:
    below = next(d for d in range(min(wanted, number), 0, -1) if number % d == 0)
    above = next((d for d in range(wanted + 1, number + 1) if number % d == 0), below)
    return " or ".join(f"ghost_size={d}" for d in dict.fromkeys((below, above)))


def _micro_batch(values: Mapping[str, str], ghost: int, large: int) -> int | None:
    if "micro_batch" not in values:
        return None
    micro = _whole(values, "micro_batch")
    if micro % ghost or large % micro:
        raise UserError(f"micro_batch={micro} must be whole ghosts of {ghost} and divide large_batch={large}")
    return micro


def _text(value: Fraction) -> str:
    return f"{float(value):g}"
