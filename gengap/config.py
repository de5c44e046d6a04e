"""The schema of a run's configuration, its cross-field rules and the run's identity."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, cast

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from omegaconf import II, MISSING, DictConfig, OmegaConf

from gengap.errors import UserError

_HERE = Path(__file__).resolve().parent
CONF = next(p for p in (_HERE / "conf", _HERE.parent / "conf") if p.is_dir())  # wheel, or checkout

LR_RULES = ("none", "sqrt", "linear")
PRECISIONS = ("fp32", "bf16")
DEVICES = ("auto", "cpu", "cuda")


@dataclass
class Data:
    """A data set and the augmentation of its training images."""

    name: str = MISSING
    root: str = "~/.cache/gengap"
    crop_padding: int = 0  # pixels on every side, before a random crop to the original size
    pad_value: int = 0  # 0..255
    flip: bool = False  # random horizontal flip
    mean: list[float] = field(default_factory=list)  # per channel, of pixels in 0..1
    std: list[float] = field(default_factory=list)
    limit: int | None = None  # train on the first so many images only
    holdout: int = 0  # validate on so many held-out training images instead of the test split


@dataclass
class Model:
    """A network by name, or a factory `package.module:function(num_classes, **options)`."""

    name: str = MISSING
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class Workload:
    """Data set + network + small-batch training recipe (Shallue et al. 2019): a row of the tables."""

    name: str = MISSING
    small_batch: int = MISSING
    large_batch: int = MISSING
    ghost_size: int = MISSING
    epochs: float = MISSING
    lr: list[float] = MISSING  # one rate a phase
    milestones: list[float] = field(default_factory=list)  # epochs at which the next phase starts
    weight_decay: list[float] = field(default_factory=lambda: [0.0])  # one for all phases, or one a phase
    momentum: float = MISSING
    released_momentum: float = MISSING


@dataclass
class Protocol:
    """Whether the paper or its released code decides where they differ."""

    name: str = MISSING
    momentum: float = MISSING
    reset_momentum: bool = False  # at every epoch
    keep_partial_batch: bool = False  # the last batch of every epoch
    reference_batch: int = MISSING  # B_S of the learning-rate rule and of regime adaptation


@dataclass
class Method:
    """A column of the tables; each switch works alone too."""

    name: str = MISSING
    batch_size: int = MISSING
    ghost_size: int | None = None
    lr_rule: str = "none"  # none | sqrt | linear
    lr_base_batch: int = II("protocol.reference_batch")
    warmup_epochs: float = 0.0  # linear, from the recipe's rate to the scaled one
    reference_batch: int = II("protocol.reference_batch")
    regime_factor: float = 1.0  # epochs and milestones are multiplied by it
    clip_norm: float | None = 5.0  # global L2 norm of the gradient, every update
    gradient_noise: float = 0.0  # variance of the multiplicative noise on every sample's gradient


@dataclass
class Runtime:
    """How a run is executed; no part of its identity."""

    device: str = "auto"  # auto | cpu | cuda
    threads: int | None = None  # CPU threads; all cores when null
    micro_batch: int | None = None  # samples on the device at a time; whole ghosts
    deterministic: bool = False  # bit-equal resume on a GPU too
    keep_weights: bool = False  # leave weights.pt beside the record
    checkpoint_seconds: float = 60.0
    time_budget: float | None = None  # minutes; then the run is saved and stops


@dataclass
class Config:
    """One run: an experiment and a seed."""

    workload: Workload = field(default_factory=Workload)
    protocol: Protocol = field(default_factory=Protocol)
    method: Method = field(default_factory=Method)
    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    runtime: Runtime = field(default_factory=Runtime)
    seed: int = 0
    precision: str = "fp32"
    evaluations: int | None = None  # evenly spaced; by default one an unstretched epoch, at most 200
    results_dir: str = "results"


_NOT_IDENTITY = {"seed", "runtime", "results_dir", "data.root"}


def register() -> None:
    """Make the schema and the resolvers known to Hydra; calling it again does no harm."""
    ConfigStore.instance().store(name="schema", node=Config)
    OmegaConf.register_new_resolver("divide", lambda a, b: a / b, replace=True)
    # The released code's reference batch: its ghost script uses the ghost size, the other one 256.
    OmegaConf.register_new_resolver("released_reference", lambda ghost: ghost or 256, replace=True)


register()


def to_config(cfg: DictConfig) -> Config:
    """Resolve and check a composed configuration.

    Raises:
        UserError: a value is missing, or fields contradict each other.
    """
    missing = sorted(k for k in OmegaConf.missing_keys(cfg) if not k.startswith("hydra"))
    if missing:
        raise UserError(
            f"{missing[0]} has no value: choose a cell with +experiment=NAME, or set {missing[0]}=VALUE"
        )
    config = cast(Config, OmegaConf.to_object(cfg))
    check(config)
    return config


def check(config: Config) -> None:
    """Raise UserError where fields contradict each other; needs neither data nor torch."""
    method, workload = config.method, config.workload
    _one_of("method.lr_rule", method.lr_rule, LR_RULES)
    _one_of("precision", config.precision, PRECISIONS)
    _one_of("runtime.device", config.runtime.device, DEVICES)
    _positive("method.batch_size", method.batch_size)
    _positive("method.lr_base_batch", method.lr_base_batch)
    _positive("method.reference_batch", method.reference_batch)
    _positive("method.regime_factor", method.regime_factor)
    _positive("workload.epochs", workload.epochs)
    for key, value in (
        ("method.ghost_size", method.ghost_size),
        ("method.clip_norm", method.clip_norm),
        ("runtime.micro_batch", config.runtime.micro_batch),
        ("runtime.threads", config.runtime.threads),
        ("runtime.time_budget", config.runtime.time_budget),
        ("evaluations", config.evaluations),
        ("data.limit", config.data.limit),
    ):
        if value is not None:
            _positive(key, value)
    if method.gradient_noise < 0 or method.warmup_epochs < 0 or config.data.holdout < 0 or config.seed < 0:
        raise UserError(
            "method.gradient_noise, method.warmup_epochs, data.holdout and seed can't be negative"
        )
    _check_phases(workload)
    _check_ghosts(config)


def _check_phases(workload: Workload) -> None:
    phases = len(workload.lr)
    if phases != len(workload.milestones) + 1:
        raise UserError(
            f"workload.lr has {phases} rates and workload.milestones {len(workload.milestones)} epochs: "
            "give one rate more than milestones"
        )
    if workload.milestones != sorted(workload.milestones):
        raise UserError(f"workload.milestones must ascend, not {workload.milestones}")
    if len(workload.weight_decay) not in (1, phases):
        raise UserError(f"workload.weight_decay takes 1 value or one a rate ({phases})")


def _check_ghosts(config: Config) -> None:
    batch, ghost, micro = config.method.batch_size, config.method.ghost_size, config.runtime.micro_batch
    if ghost is not None and batch > ghost and batch % ghost:
        raise UserError(
            f"method.ghost_size={ghost} does not divide method.batch_size={batch}: "
            f"set method.batch_size={batch // ghost * ghost} or another method.ghost_size"
        )
    if micro is None or micro >= batch:
        return
    if ghost is None:
        raise UserError(
            f"runtime.micro_batch={micro} would change the batch norm of the whole batch of {batch}: "
            "it is exact only with ghosts; set method.ghost_size, or leave it out"
        )
    if micro % ghost or batch % micro:
        raise UserError(
            f"runtime.micro_batch={micro} must be whole ghosts of {ghost} and divide the batch of {batch}"
        )


def _one_of(key: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise UserError(f"{key}={value} is unknown: set {key} to one of {', '.join(choices)}")


def _positive(key: str, value: float) -> None:
    if not value > 0:
        raise UserError(f"{key} must be above 0, not {value}")


def identity(config: Config) -> dict[str, Any]:
    """What distinguishes this run from the schema's defaults: dotted key to value, without seed and paths.

    Only differences count, so a new field with a default renames no old run.
    """
    return {
        k: v
        for k, v in _differences(config)
        if k not in _NOT_IDENTITY and k.split(".")[0] not in _NOT_IDENTITY
    }


def _differences(node: Any, prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for f in fields(node):
        value = getattr(node, f.name)
        if is_dataclass(value):
            found += _differences(value, f"{prefix}{f.name}.")
            continue
        default = f.default_factory() if f.default_factory is not NO_DEFAULT else f.default
        if value != default:
            found.append((prefix + f.name, value))
    return found


def run_name(config: Config) -> str:
    """`<workload>-<method>-<digest>`, the directory that the seeds of an experiment share."""
    text = json.dumps(identity(config), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{config.workload.name}-{config.method.name}-{digest}"


def run_directory(config: Config) -> Path:
    """Where the run's records lie."""
    return Path(config.results_dir).expanduser() / "runs" / run_name(config) / f"seed{config.seed}"


def as_dict(config: Config) -> dict[str, Any]:
    """The whole configuration as plain dictionaries, for the record."""
    return asdict(config)


@dataclass(frozen=True)
class Cell:
    """An experiment of conf/experiment: a cell of a table, and the directory name of its runs."""

    experiment: str
    workload: str
    method: str
    run: str


def experiments() -> list[str]:
    """Names of all experiments, sorted."""
    return sorted(p.stem for p in (CONF / "experiment").glob("*.yaml"))


def compose_config(overrides: Sequence[str]) -> Config:
    """The configuration that `gengap train` would run with these overrides."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return to_config(compose("config", list(overrides)))


def cell(experiment: str, overrides: Sequence[str] = ()) -> Cell:
    """The cell of an experiment by name."""
    config = compose_config([f"+experiment={experiment}", *overrides])
    return Cell(experiment, config.workload.name, config.method.name, run_name(config))
