"""The schema of a run's configuration: every key with its type and default. Values live in conf/."""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import II, MISSING

FP32, PAPER = "fp32", "paper"  # the precision and the protocol that the paper states


def deviation(precision: str, protocol: str) -> str:
    """Which of the two the paper doesn't state: "bf16", "bigbatch" or both; empty where it states both."""
    return ", ".join(v for v, stated in ((precision, FP32), (protocol, PAPER)) if v != stated)


@dataclass
class Data:
    """A data set and the augmentation of its training images."""

    name: str = MISSING  # a data set of gengap.data, or package.module:factory
    root: str = "~/.cache/gengap"  # the folder that data sets are in, or are downloaded to
    folder: str = ""  # where the data set is under root
    resize: int = 256  # shorter side of a photograph, before it is cropped
    crop: int = 224  # side of the square cropped from it
    crop_padding: int = 0  # pixels on every side, before a random crop to the original size
    pad_value: int = 0  # 0..255
    flip: bool = False  # random horizontal flip
    mean: list[float] = field(default_factory=list)  # per channel, of pixels in 0..1
    std: list[float] = field(default_factory=list)  # per channel, likewise
    limit: int | None = None  # train on the first so many images only
    holdout: int = 0  # validate on so many held-out training images instead of the test split


@dataclass
class Model:
    """A network by name, or a factory `package.module:function(num_classes, **options)`."""

    name: str = MISSING  # a network of gengap.models, or package.module:factory
    options: dict[str, Any] = field(default_factory=dict)  # model.options.width=64 sets one


@dataclass
class Workload:
    """Data set + network + small-batch training recipe (Shallue et al. 2019): a row of the tables."""

    name: str = MISSING
    small_batch: int = MISSING  # B_S, of method sb
    large_batch: int = MISSING  # B_L, of the other methods
    ghost_size: int = MISSING  # of the methods with ghost batch norm
    epochs: float = MISSING  # of the small batch
    lr: list[float] = MISSING  # one rate a phase
    milestones: list[float] = field(default_factory=list)  # epochs at which the next phase starts
    weight_decay: list[float] = field(default_factory=lambda: [0.0])  # one for all phases, or one a phase
    momentum: float = MISSING  # the paper's
    released_momentum: float = MISSING  # the released code's


@dataclass
class Protocol:
    """Whether the paper or its released code decides where they differ."""

    name: str = MISSING
    momentum: float = MISSING  # the one of the two that counts
    reset_momentum: bool = False  # forget the momentum at every epoch
    keep_partial_batch: bool = False  # train on the smaller last batch of every epoch too
    reference_batch: int = MISSING  # B_S of the learning-rate rule and of regime adaptation


@dataclass
class Method:
    """A column of the tables; each switch works alone too."""

    name: str = MISSING
    batch_size: int = MISSING  # samples an update
    ghost_size: int | None = None  # samples a ghost of ghost batch norm; ordinary batch norm when null
    lr_rule: str = "none"  # none | sqrt | linear
    lr_base_batch: int = II("protocol.reference_batch")  # B_S of the rule
    warmup_epochs: float = 0.0  # linear, from the recipe's rate to the scaled one
    reference_batch: int = II("protocol.reference_batch")  # B_S of regime adaptation
    regime_factor: float = 1.0  # epochs and milestones are multiplied by it
    clip_norm: float | None = 5.0  # global L2 norm of the gradient, every update
    gradient_noise: float = 0.0  # variance of the multiplicative noise on every sample's gradient


@dataclass
class Runtime:
    """How a run is executed; no part of its identity."""

    device: str = "auto"  # auto | cpu | cuda
    threads: int | None = None  # CPU threads; all cores when null
    workers: int | None = None  # processes that decode photographs; one a CPU core when null, 0 for none
    micro_batch: int | None = None  # samples on the device at a time; whole ghosts
    compile: bool | None = None  # forward and backward pass by torch.compile; where it pays when null
    graph: bool | None = None  # an update as one CUDA graph; on every GPU when null
    deterministic: bool = False  # bit-equal resume on a GPU too
    keep_weights: bool = False  # leave weights.pt beside the record
    checkpoint_seconds: float = 60.0  # between two checkpoints
    time_budget: float | None = None  # minutes from the command's start; then the run is saved and stops


@dataclass
class Config:
    """One run: an experiment and a seed."""

    workload: Workload = field(default_factory=Workload)
    protocol: Protocol = field(default_factory=Protocol)
    method: Method = field(default_factory=Method)
    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    runtime: Runtime = field(default_factory=Runtime)
    seed: int = 0  # of the initial weights, the order, augmentation, dropout and noise
    precision: str = "fp32"  # fp32 | bf16
    evaluations: int | None = None  # evenly spaced; by default one an unstretched epoch, at most 200
    results_dir: str = "results"  # where runs are kept and found again
