"""The regime of each method for a question, computed with the same code and conf/ files as in training."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from gengap.config.compose import compose_config
from gengap.config.schema import Config
from gengap.paper.methods import METHODS
from gengap.plan.question import Question
from gengap.regime import build_regime


@dataclass(frozen=True)
class Planned:
    """One method's column: one learning rate per phase, one milestone per change of phase.

    lr_linear: learning rates by the linear rule; empty if the method keeps the recipe's. samples_seen:
    samples processed in training. cost: samples_seen relative to SB.
    """

    method: str
    batch_size: int
    ghost_size: int | None
    lr: tuple[float, ...]
    lr_linear: tuple[float, ...]
    epochs: float
    milestones_epochs: tuple[float, ...]
    milestones_updates: tuple[int, ...]
    updates: int
    warmup_updates: int
    samples_seen: int
    cost: float
    clip_norm: float | None


def plan(question: Question) -> tuple[Planned, ...]:
    """Compute the plans for SB, LB, LB+LR, LB+LR+GBN and LB+LR+GBN+RA, in this order."""
    small = _planned(question, "sb", 0)
    return (small, *(_planned(question, m, small.samples_seen) for m in METHODS if m != "sb"))


def _planned(question: Question, method: str, samples_of_sb: int) -> Planned:
    config = _config(question, method)
    regime, settings = build_regime(config, question.dataset_size), config.method
    factor = settings.regime_factor
    scaled = settings.lr_rule != "none"
    settings.lr_rule = "linear"
    linear = build_regime(config, question.dataset_size).lr if scaled else ()
    samples = regime.updates * settings.batch_size
    return Planned(
        method=method,
        batch_size=settings.batch_size,
        ghost_size=settings.ghost_size,
        lr=regime.lr,
        lr_linear=linear,
        epochs=float(question.epochs) * factor,
        milestones_epochs=tuple(float(m) * factor for m in question.milestones),
        milestones_updates=regime.milestones,
        updates=regime.updates,
        warmup_updates=regime.warmup if scaled else 0,
        samples_seen=samples,
        cost=samples / (samples_of_sb or samples),
        clip_norm=settings.clip_norm,
    )


def _config(question: Question, method: str) -> Config:
    """Build the configuration of a workload with this recipe and a method in conf/, on any data set."""
    recipe = {
        "name": "plan",
        "small_batch": question.small_batch,
        "large_batch": question.large_batch,
        "ghost_size": question.ghost_size,
        "epochs": float(question.epochs),
        "lr": _listed(question.lr),
        "milestones": _listed(question.milestones),
        "weight_decay": "[0.0]",
        "momentum": float(question.momentum),
        "released_momentum": float(question.momentum),
    }
    words = [f"workload.{key}={value}" for key, value in recipe.items()]
    config = compose_config(["workload=digits_f1", f"method={method}", "evaluations=1", *words])
    config.method.warmup_epochs = float(question.warmup_epochs)
    config.method.clip_norm = float(question.clip_norm)
    return config


def _listed(numbers: Sequence[Fraction]) -> str:
    return f"[{','.join(str(float(number)) for number in numbers)}]"
