"""The schema of a run's configuration: every key with its type, default and explanation.

Values live in conf/. The explanations are what `gengap train --help` prints.
"""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import II

from gengap.config.fields import ANY_SAMPLES, EPOCHS, FACTOR, MOMENTUM, NUMBER, PIXELS, POSITIVE_EPOCHS
from gengap.config.fields import POSITIVE as POSITIVE  # re-exported for other settings, like the next two
from gengap.config.fields import SAMPLES as SAMPLES
from gengap.config.fields import key as key
from gengap.config.ranges import Range
from gengap.config.runtime import Runtime as Runtime

FP32, PAPER = "fp32", "paper"  # the paper's precision and protocol


def deviation(precision: str, protocol: str) -> str:
    """List which of the two deviate from the paper: "bf16", "bigbatch", "bf16, bigbatch" or ""."""
    return ", ".join(v for v, stated in ((precision, FP32), (protocol, PAPER)) if v != stated)


@dataclass
class Data:
    """A data set and the augmentation of its training images."""

    name: str = key("a data set of gengap.data, or package.module:factory")
    root: str = key(
        "folder with the data sets, which are downloaded to it if missing", "~/.cache/gengap", path=True
    )
    folder: str = key("the data set's folder under root", "", path=True)
    resize: int = key("image files: shorter side after resizing, in pixels", 256, within=PIXELS)
    crop: int = key("image files: side of the square crop, in pixels", 224, within=PIXELS)
    crop_padding: int = key(
        "padding on every side before a random crop to the original size, in pixels", 0, within=Range(0, 128)
    )
    pad_value: int = key("value of the padding", 0, within=Range(0, 255))
    pad_first_channel: bool = key("pad_value in the first channel only, and 0 in the others", False)
    flip: bool = key("random horizontal flip", False)
    rotation: float = key("random rotation by up to so many degrees either way", 0.0, within=Range(0, 180))
    shift: float = key(
        "random shift by up to this fraction of the image's sides, along each axis", 0.0, within=Range(0, 1)
    )
    mean: list[float] = key("per channel, of pixels scaled to 0..1", list, within=Range(-1000, 1000))
    std: list[float] = key(
        "per channel, of pixels scaled to 0..1", list, within=Range(0, 1000, low_open=True)
    )
    limit: int | None = key("train on the first N images only", None, within=SAMPLES)
    bad_photographs: int = key(
        "damaged image files per split, replaced by the next; more end the run", 10, within=ANY_SAMPLES
    )
    packed: bool = key("image files: read the copy that `gengap prepare` made", False)
    holdout: int = key(
        "validate on this many held-out training images instead of the test split", 0, within=ANY_SAMPLES
    )


@dataclass
class Model:
    """A network by name, or a factory `package.module:function(num_classes, **options)`."""

    name: str = key("a network of gengap.models, or package.module:factory")
    options: dict[str, Any] = key("the network's keyword arguments, as in model.options.width=64", dict)


@dataclass
class Workload:
    """Data set + network + small-batch training recipe (Shallue et al. 2019): a row of the tables."""

    name: str = key("the row's name")
    small_batch: int = key("batch size B_S of method sb", within=SAMPLES)
    large_batch: int = key("batch size B_L of the other methods", within=SAMPLES)
    ghost_size: int = key("samples per ghost, for methods with ghost batch norm", within=SAMPLES)
    epochs: float = key("epochs of training, before regime adaptation", within=POSITIVE_EPOCHS)
    lr: list[float] = key("learning rates, one per phase", within=NUMBER)
    milestones: list[float] = key("epochs at which the next phase starts", list, within=EPOCHS)
    weight_decay: list[float] = key(
        "one value for all phases, or one per phase", lambda: [0.0], within=NUMBER
    )
    momentum: float = key("the paper's momentum, of sgd", within=MOMENTUM)
    released_momentum: float = key("the released code's momentum, of sgd", within=MOMENTUM)
    optimizer: str = key("sgd | adam", "sgd")
    adam_betas: list[float] = key("decay rates of ADAM's two moments", lambda: [0.9, 0.999], within=MOMENTUM)
    adam_eps: float = key("added to the root in ADAM's step", 1e-8, within=NUMBER)


@dataclass
class Protocol:
    """Whether to follow the paper or its released code where they differ."""

    name: str = key("paper | bigbatch")
    momentum: float = key(
        "the momentum used: workload.momentum or workload.released_momentum", within=MOMENTUM
    )
    reset_momentum: bool = key("zero the optimizer's state at the start of every epoch", False)
    keep_partial_batch: bool = key("also train on the smaller last batch of every epoch", False)
    reference_batch: int = key("B_S of the learning-rate rule and of regime adaptation", within=SAMPLES)
    bn_weight: str = key(
        "initial weights of batch norm: network, as the network is built, or uniform, drawn from U(0, 1)",
        "network",
    )


@dataclass
class Method:
    """A column of the tables; each switch also works alone."""

    name: str = key("the column's name")
    batch_size: int = key("samples per update", within=SAMPLES)
    earlier_batches: list[int] = key(
        "batch sizes before method.batch_size, as in a warm start", list, within=SAMPLES
    )
    batch_milestones: list[float] = key(
        "epochs at which the batch after each of method.earlier_batches starts", list, within=EPOCHS
    )
    ghost_size: int | None = key("samples per ghost; null for ordinary batch norm", None, within=SAMPLES)
    lr_rule: str = key("none | sqrt | linear", "none")
    lr_base_batch: int = key("B_S of the learning-rate rule", II("protocol.reference_batch"), within=SAMPLES)
    warmup_epochs: float = key(
        "linear warm-up from the recipe's learning rate to the scaled one", 0.0, within=EPOCHS
    )
    reference_batch: int = key("B_S of regime adaptation", II("protocol.reference_batch"), within=SAMPLES)
    regime_factor: float = key("factor on epochs and milestones", 1.0, within=FACTOR)
    clip_norm: float | None = key(
        "clip the gradient to this global L2 norm at every update; null for no clipping", 5.0, within=POSITIVE
    )
    gradient_noise: float = key(
        "variance of the multiplicative noise on each sample's gradient", 0.0, within=NUMBER
    )
    proximal: float = key(
        "conservative training: weight of the distance from the update's start; 0 for none",
        0.0,
        within=NUMBER,
    )
    proximal_steps: int = key(
        "conservative training: optimizer steps per update, on its batch", 3, within=Range(1, 1000)
    )
    adversarial: float = key(
        "adversarial training: change of every pixel, of pixels scaled to 0..1; 0 for none",
        0.0,
        within=Range(0, 1),
    )


@dataclass
class Config:
    """One run: an experiment and a seed."""

    workload: Workload = field(default_factory=Workload)
    protocol: Protocol = field(default_factory=Protocol)
    method: Method = field(default_factory=Method)
    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    runtime: Runtime = field(default_factory=Runtime)
    seed: int = key(
        "seed of initial weights, sample order, augmentation, dropout and noise",
        0,
        within=Range(0, 2**63 - 1),
    )
    precision: str = key("fp32 | bf16", "fp32")
    evaluations: int | None = key(
        "evenly spaced evaluations; null for one per epoch of the recipe, at most 200",
        None,
        within=Range(1, 10**5),
    )
    results_dir: str = key("folder of the records and the report", "results", path=True)
