"""The reasons for the numbers in a plan."""

from collections.abc import Sequence
from fractions import Fraction
from math import sqrt

from gengap.errors import counted
from gengap.plan.ghosts import GHOST_SIZE, default_ghost_size
from gengap.plan.methods import Planned
from gengap.plan.noise_scale import noise_note
from gengap.plan.numbers import short
from gengap.plan.question import CLIP_NORM, Question


def reasons(question: Question, methods: Sequence[Planned]) -> list[str]:
    """Explain the numbers in the table, in one paragraph per reason."""
    ratio = Fraction(question.large_batch, question.small_batch)
    times, root = short(float(ratio)), short(sqrt(ratio))
    ghosts = question.large_batch // question.ghost_size
    notes = [
        f"Learning rate: multiplying it by √(B_L/B_S) = {root} keeps the covariance of an update's noise "
        "constant if samples contribute independently (eq. 7 of the paper). The linear rule, a factor of "
        f"{times}, did worse on CIFAR-10 in the paper; on ImageNet, Goyal et al. 2017 found it better, with "
        "warm-up over the first 5 epochs.",
        f"{_ghost_size(question)} It splits {question.large_batch:,} into {counted(ghosts, 'ghost')}. A "
        "network without batch norm does not need +GBN.",
        f"Regime adaptation: every period of e epochs becomes {times} e epochs, which makes as many updates "
        f"as with the small batch, each with {times} times the samples.",
        _clipping(question),
        _warmup(question, methods),
        "Updates: epochs · N / B, rounded down once, with batches all of the same size; in torch, a "
        "DataLoader with drop_last=True and a loop that counts updates, not epochs.",
    ]
    if question.micro_batch:
        notes.append(
            f"Memory: with ghosts, summing the gradients of {question.large_batch // question.micro_batch} "
            f"micro-batches of {question.micro_batch:,} samples makes the same update up to rounding "
            "(dropout masks differ). Without ghosts it does not: batch norm then sees micro-batches."
        )
    if question.noise_scale:
        notes.append(noise_note(question.noise_scale, question.small_batch, question.large_batch))
    return [*notes, _optimizer(question)]


def _ghost_size(question: Question) -> str:
    size, most = question.ghost_size, min(question.small_batch, GHOST_SIZE)
    if size == default_ghost_size(question.small_batch, question.large_batch):
        return (
            f"Ghost size {size}: the largest divisor of the large batch that exceeds neither the small batch "
            f"nor the paper's {GHOST_SIZE}, so that batch norm sees no more samples at once than it did in "
            "the recipe that worked."
        )
    if size <= most:
        return f"Ghost size {size}: as you set it."
    return (
        f"Ghost size {size}: as you set it; batch norm then sees more samples at once than in the recipe "
        f"that worked (small batch {question.small_batch:,}) or in the paper ({GHOST_SIZE})."
    )


def _clipping(question: Question) -> str:
    told = (
        'Clipping: the paper clips the gradient "for the first few iterations"; its released code, and '
        f"gengap, clip it to a norm of {CLIP_NORM} at every update"
    )
    clip = question.clip_norm
    return f"{told}." if clip == CLIP_NORM else f"{told}; here to {short(float(clip))}."


def _warmup(question: Question, methods: Sequence[Planned]) -> str:
    if not question.warmup_epochs:
        return (
            "Warm-up: none in the paper; with the linear rule, add warmup_epochs=5. Watch the first updates "
            "with the square-root rule too: on MNIST they blow up, and +LR ends below LB; with "
            "warmup_epochs=2, or with clip_norm=1, it ends above (docs/protocols.md). Resnet44 on CIFAR-10, "
            "with one seed, gains from the rule with warmup_epochs=2 and not without."
        )
    scaled = next(p for p in methods if p.method == "lb_lr")
    return (
        f"Warm-up: none in the paper; here linear from {short(float(question.lr[0]))} to "
        f"{short(scaled.lr[0])}. With regime adaptation, it takes as many times the epochs as all other "
        "periods. In our runs, warm-up makes the square-root rule gain on MNIST, where it loses without, and "
        "on Resnet44 (docs/protocols.md)."
    )


def _optimizer(question: Question) -> str:
    if question.optimizer == "sgd":
        return (
            "Optimizer: the paper uses momentum SGD. Granziol et al. 2022 derive the linear rule for SGD and "
            "the square-root rule for Adam, so both rates are worth trying."
        )
    text = (
        "Optimizer: the paper does not use Adam. For Adam, Malladi et al. 2022 and Granziol et al. 2022 "
        "derive the square-root rule; the rows with the linear rule are for SGD. "
    )
    betas = scaled_betas(question)
    if betas is None:
        return text + (
            "Malladi et al. also multiply 1 - β by B_L/B_S, which at this ratio would make β negative, so "
            "betas are left unchanged, which their result does not cover."
        )
    return text + (
        f"Malladi et al. also multiply 1 - β by B_L/B_S, giving betas {short(betas[0])} and "
        f"{short(betas[1])}, and divide ε by √(B_L/B_S)."
    )


def scaled_betas(question: Question) -> tuple[float, float] | None:
    """Adam's betas at the large batch, 1 - (B_L/B_S)(1 - β) (Malladi et al. 2022); None if negative."""
    ratio = Fraction(question.large_batch, question.small_batch)
    first, second = (float(1 - ratio * (1 - beta)) for beta in question.betas)
    return (first, second) if min(first, second) >= 0 else None
