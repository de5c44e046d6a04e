"""The question put to `gengap plan`: a small-batch recipe and the large batch to move it to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from gengap.config.checks import OPTIMIZERS
from gengap.errors import UserError, counted
from gengap.paths import expanded
from gengap.plan.ghosts import ghost_size, micro_batch
from gengap.plan.noise_scale import NoiseScale, read_noise_scale
from gengap.plan.numbers import number, numbers, shown, whole

EXAMPLE = (
    "gengap plan small_batch=256 large_batch=4096 lr=0.1 epochs=90 milestones=30,60,80 dataset_size=1281167"
)
REQUIRED = ("small_batch", "large_batch", "lr", "epochs", "dataset_size")
OPTIONAL = (
    "milestones", "gamma", "ghost_size", "warmup_epochs", "clip_norm", "optimizer", "momentum", "betas",
    "micro_batch", "noise_scale", "method", "results_dir",
)  # fmt: skip
LOOPS = ("lb_lr", "lb_gbn", "lb_ra")  # methods whose training loop can be printed; by default the last
CLIP_NORM = 5  # as in the released code
_LARGEST_BATCH = 10**6  # limit up to which the ratio of batches survives conversion to float (regime.exact)


@dataclass(frozen=True)
class Question:
    """A recipe that works at `small_batch`, and the batch to move it to; batches and sizes are in samples.

    lr: one learning rate per phase. milestones: phase k + 1 starts at epoch milestones[k]. gamma: ratio of
    each phase's learning rate to the previous one; None if it varies or there is a single phase. method: the
    one whose training loop is printed.
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
    clip_norm: Fraction
    optimizer: str
    momentum: Fraction
    betas: tuple[Fraction, Fraction]
    micro_batch: int | None
    noise_scale: NoiseScale | None
    method: str
    results_dir: Path


def read_question(values: Mapping[str, str]) -> Question:
    """Read the values typed for the keys in REQUIRED and OPTIONAL.

    Raises:
        UserError: a required key is missing, or a value can't be read or contradicts another.
    """
    _check_required(values)
    small, large = whole(values, "small_batch"), whole(values, "large_batch")
    size, epochs = whole(values, "dataset_size"), number(values, "epochs")
    _check_batches(small, large, size)
    milestones = numbers(values, "milestones") if "milestones" in values else ()
    _check_milestones(milestones, epochs)
    rates = _rates(values, milestones)
    optimizer, momentum, betas = _optimizer(values)
    ghosts = ghost_size(values, small, large)
    return Question(
        small_batch=small,
        large_batch=large,
        dataset_size=size,
        epochs=epochs,
        lr=rates,
        milestones=milestones,
        gamma=_gamma(rates),
        ghost_size=ghosts,
        warmup_epochs=_warmup(values, milestones[0] if milestones else epochs),
        clip_norm=number(values, "clip_norm", str(CLIP_NORM)),
        optimizer=optimizer,
        momentum=momentum,
        betas=betas,
        micro_batch=micro_batch(values, ghosts, large),
        noise_scale=read_noise_scale(values),
        method=_method(values),
        results_dir=expanded(values.get("results_dir", "results")),
    )


def _check_required(values: Mapping[str, str]) -> None:
    missing = next((key for key in REQUIRED if key not in values), None)
    if missing:
        example = next(a for a in EXAMPLE.split() if a.startswith(f"{missing}="))
        raise UserError(f"{missing} is missing: add it, for example {example}; in full: {EXAMPLE}")


def _check_batches(small: int, large: int, size: int) -> None:
    if large <= small:
        raise UserError(f"large_batch={large} must be above small_batch={small}: are they swapped?")
    for limit, name in ((_LARGEST_BATCH, f"{_LARGEST_BATCH}"), (size, f"dataset_size={size}")):
        if large > limit:
            raise UserError(f"large_batch={large} is more than {name}: lower it")


def _check_milestones(milestones: Sequence[Fraction], epochs: Fraction) -> None:
    if list(milestones) != sorted(set(milestones)):
        typed = ",".join(map(shown, milestones))
        raise UserError(f"milestones={typed} must ascend, as in milestones=30,60,80")
    if milestones and milestones[-1] >= epochs:
        last, end = shown(milestones[-1]), shown(epochs)
        raise UserError(f"milestones: {last} is not reached in epochs={end}: leave it out or raise epochs")


def _rates(values: Mapping[str, str], milestones: Sequence[Fraction]) -> tuple[Fraction, ...]:
    rates, phases = numbers(values, "lr"), len(milestones) + 1
    if len(rates) == 1:
        gamma = number(values, "gamma", "0.1")
        return tuple(rates[0] * gamma**k for k in range(phases))
    if "gamma" in values:
        raise UserError("give either one lr and gamma, or one lr per phase without gamma")
    if len(rates) != phases:
        raise UserError(
            f"lr has {counted(len(rates), 'rate')} for {counted(phases, 'phase')}: "
            "give a single one, or one more than milestones"
        )
    return rates


def _gamma(rates: Sequence[Fraction]) -> Fraction | None:
    ratios = {after / before for before, after in zip(rates, rates[1:], strict=False)}
    return ratios.pop() if len(ratios) == 1 else None


def _warmup(values: Mapping[str, str], first_phase: Fraction) -> Fraction:
    warmup = number(values, "warmup_epochs", "0", zero=True)
    if warmup > first_phase:
        raise UserError(
            f"warmup_epochs={shown(warmup)} is longer than the first phase, which ends at epoch "
            f"{shown(first_phase)}"
        )
    return warmup


def _optimizer(values: Mapping[str, str]) -> tuple[str, Fraction, tuple[Fraction, Fraction]]:
    """Read the optimizer's name, SGD's momentum, and Adam's betas."""
    name = values.get("optimizer", "sgd")
    if name not in OPTIMIZERS:
        raise UserError(f"optimizer={name} is unknown: use optimizer={' or optimizer='.join(OPTIMIZERS)}")
    foreign = {"sgd": "betas", "adam": "momentum"}[name]
    if foreign in values:
        raise UserError(f"{foreign}={values[foreign]} is no setting of optimizer={name}: leave it out")
    momentum = number(values, "momentum", "0.9", zero=True)
    betas = numbers(values, "betas", "0.9,0.999", zero=True)
    if momentum >= 1 or max(betas) >= 1 or len(betas) != 2:
        raise UserError("momentum and the two betas must be below 1: momentum=0.9, betas=0.9,0.999")
    return name, momentum, (betas[0], betas[1])


def _method(values: Mapping[str, str]) -> str:
    method = values.get("method", LOOPS[-1])
    if method not in LOOPS:
        raise UserError(f"method={method} has no loop to print: use one of {', '.join(LOOPS)}")
    if method == "lb_lr" and "micro_batch" in values:
        raise UserError("micro_batch keeps the update only with ghosts: leave it out, or add method=lb_gbn")
    return method
