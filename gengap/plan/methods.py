"""Every method's regime for a question, by the code and the files that training itself uses."""

from dataclasses import dataclass
from typing import cast

from omegaconf import OmegaConf

from gengap.config.compose import register
from gengap.config.overrides import CONF
from gengap.config.schema import Config, Data, Model, Workload
from gengap.paper.methods import METHODS
from gengap.plan.question import Question
from gengap.regime import build_regime


@dataclass(frozen=True)
class Planned:
    """One method's column: rates and milestones one a phase and one a change of phase.

    lr_linear: rates by the linear rule, empty where the method keeps the recipe's. cost: samples seen,
    relative to SB's.
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
    """SB, LB, LB+LR, LB+LR+GBN and LB+LR+GBN+RA, in this order."""
    small = _planned(question, "sb", 0)
    return (small, *(_planned(question, m, small.samples_seen) for m in METHODS if m != "sb"))


def _planned(question: Question, method: str, samples_of_small: int) -> Planned:
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
        cost=samples / (samples_of_small or samples),
        clip_norm=settings.clip_norm,
    )


def _config(question: Question, method: str) -> Config:
    """The run that a workload with this recipe and conf/method/METHOD.yaml make, without its data set."""
    register()  # what the files of conf/ compute with
    momentum = float(question.momentum)
    workload = Workload(
        name="plan",
        small_batch=question.small_batch,
        large_batch=question.large_batch,
        ghost_size=question.ghost_size,
        epochs=float(question.epochs),
        lr=[float(rate) for rate in question.lr],
        milestones=[float(m) for m in question.milestones],
        momentum=momentum,
        released_momentum=momentum,
    )
    schema = OmegaConf.structured(
        Config(workload=workload, data=Data(name="plan"), model=Model(name="plan"), evaluations=1)
    )
    chosen = {
        "protocol": OmegaConf.load(CONF / "protocol" / "paper.yaml"),
        "method": OmegaConf.load(CONF / "method" / f"{method}.yaml"),
    }
    config = cast(Config, OmegaConf.to_object(OmegaConf.merge(schema, chosen)))
    config.method.warmup_epochs = float(question.warmup_epochs)
    return config
