"""The schema of a run's configuration: every key with its type, default and explanation.

Values live in conf/. The explanations are what `gengap train --help` prints.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from omegaconf import II, MISSING

FP32, PAPER = "fp32", "paper"  # the precision and the protocol that the paper states


def deviation(precision: str, protocol: str) -> str:
    """Which of the two the paper doesn't state: "bf16", "bigbatch" or both; empty where it states both."""
    return ", ".join(v for v, stated in ((precision, FP32), (protocol, PAPER)) if v != stated)


def key(explanation: str, default: Any = MISSING) -> Any:
    """A field of the schema; without a default it must be set by conf/ or on the command line.

    Args:
        explanation: what `gengap train --help` says about it.
        default: a value, or a function that makes one (for lists and dictionaries).
    """
    metadata = {"help": explanation}
    if isinstance(default, Callable):  # type: ignore[arg-type]
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass
class Data:
    """A data set and the augmentation of its training images."""

    name: str = key("a data set of gengap.data, or package.module:factory")
    root: str = key("the folder that holds data sets, or that they are downloaded to", "~/.cache/gengap")
    folder: str = key("where the data set is under root", "")
    resize: int = key("shorter side of a photograph before it is cropped", 256)
    crop: int = key("side of the square cropped from it", 224)
    crop_padding: int = key("pixels added to every side before a random crop to the original size", 0)
    pad_value: int = key("value of those pixels, 0..255", 0)
    flip: bool = key("random horizontal flip", False)
    mean: list[float] = key("per channel, of pixels in 0..1", list)
    std: list[float] = key("per channel, likewise", list)
    limit: int | None = key("train on this many images only, the first ones", None)
    holdout: int = key("validate on this many held-out training images instead of the test split", 0)


@dataclass
class Model:
    """A network by name, or a factory `package.module:function(num_classes, **options)`."""

    name: str = key("a network of gengap.models, or package.module:factory")
    options: dict[str, Any] = key("model.options.width=64 sets one", dict)


@dataclass
class Workload:
    """Data set + network + small-batch training recipe (Shallue et al. 2019): a row of the tables."""

    name: str = key("the row's name")
    small_batch: int = key("B_S, of method sb")
    large_batch: int = key("B_L, of the other methods")
    ghost_size: int = key("of the methods with ghost batch norm")
    epochs: float = key("of the small batch")
    lr: list[float] = key("one rate per phase")
    milestones: list[float] = key("epochs at which the next phase starts", list)
    weight_decay: list[float] = key("one value for all phases, or one per phase", lambda: [0.0])
    momentum: float = key("the paper's")
    released_momentum: float = key("the released code's")


@dataclass
class Protocol:
    """Whether the paper or its released code decides where they differ."""

    name: str = key("paper | bigbatch")
    momentum: float = key("the one of workload.momentum and workload.released_momentum that is used")
    reset_momentum: bool = key("set the momentum to zero at the start of every epoch", False)
    keep_partial_batch: bool = key("train on the smaller last batch of every epoch too", False)
    reference_batch: int = key("B_S of the learning-rate rule and of regime adaptation")


@dataclass
class Method:
    """A column of the tables; each switch works alone too."""

    name: str = key("the column's name")
    batch_size: int = key("samples per update")
    ghost_size: int | None = key("samples per ghost of ghost batch norm; ordinary batch norm when null", None)
    lr_rule: str = key("none | sqrt | linear", "none")
    lr_base_batch: int = key("B_S of the rule", II("protocol.reference_batch"))
    warmup_epochs: float = key("linear warm-up from the recipe's rate to the scaled one", 0.0)
    reference_batch: int = key("B_S of regime adaptation", II("protocol.reference_batch"))
    regime_factor: float = key("epochs and milestones are multiplied by it", 1.0)
    clip_norm: float | None = key("global L2 norm that gradients are clipped to, every update", 5.0)
    gradient_noise: float = key("variance of the multiplicative noise on each sample's gradient", 0.0)


@dataclass
class Runtime:
    """How a run is executed; no part of its identity."""

    device: str = key("auto | cpu | cuda", "auto")
    threads: int | None = key(
        "CPU threads; all cores when null, or as many as a resumed run began with", None
    )
    workers: int | None = key(
        "processes that decode photographs; one per CPU core when null, 0 for none", None
    )
    micro_batch: int | None = key("samples on the device at a time; whole ghosts", None)
    compile: bool | None = key(
        "torch.compile for the forward and backward pass; where it pays when null", None
    )
    graph: bool | None = key("an update as one CUDA graph; on every GPU when null", None)
    deterministic: bool = key("bit-equal resume on a GPU too", False)
    keep_weights: bool = key("save weights.pt beside the record", False)
    checkpoint_seconds: float = key("time between two checkpoints", 60.0)
    time_budget: float | None = key("minutes from the command's start; then the run is saved and stops", None)


@dataclass
class Config:
    """One run: an experiment and a seed."""

    workload: Workload = field(default_factory=Workload)
    protocol: Protocol = field(default_factory=Protocol)
    method: Method = field(default_factory=Method)
    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    runtime: Runtime = field(default_factory=Runtime)
    seed: int = key("of the initial weights, the order, augmentation, dropout and noise", 0)
    precision: str = key("fp32 | bf16", "fp32")
    evaluations: int | None = key(
        "evenly spaced; by default one per epoch of the unstretched recipe, at most 200", None
    )
    results_dir: str = key("where runs are kept and found again", "results")
