"""Cross-field rules of a configuration, checked before any data is loaded."""

from collections.abc import Sequence
from math import inf

from gengap.config.factory import check_names
from gengap.config.schema import Config
from gengap.errors import UserError
from gengap.learning_rate import RULES

PRECISIONS = ("fp32", "bf16")
DEVICES = ("auto", "cpu", "cuda")


def check(config: Config) -> None:
    """Check values and cross-field rules; needs neither data nor torch.

    Raises:
        UserError: a value is out of range, or fields contradict each other.
    """
    method, workload = config.method, config.workload
    check_names(config)
    _one_of("method.lr_rule", method.lr_rule, tuple(RULES))
    _one_of("precision", config.precision, PRECISIONS)
    _one_of("runtime.device", config.runtime.device, DEVICES)
    _positive("method.batch_size", method.batch_size)
    _positive("method.lr_base_batch", method.lr_base_batch)
    _positive("method.reference_batch", method.reference_batch)
    _positive("method.regime_factor", method.regime_factor)
    _positive("workload.epochs", workload.epochs)
    _finite("workload.epochs", workload.epochs)
    _finite("method.regime_factor", method.regime_factor)
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
    for key, value in (
        ("seed", config.seed),
        ("method.gradient_noise", method.gradient_noise),
        ("method.warmup_epochs", method.warmup_epochs),
        ("data.holdout", config.data.holdout),
        ("data.crop_padding", config.data.crop_padding),
        ("runtime.checkpoint_seconds", config.runtime.checkpoint_seconds),
    ):
        if not value >= 0:
            raise UserError(f"{key}={value} can't be negative")
    for key, name in (("workload.name", workload.name), ("method.name", method.name)):
        if "/" in name:
            raise UserError(f"{key}={name} can't contain /: it is part of the name of the run's folder")
    _check_phases(config)
    _check_ghosts(config)
    _check_image_files(config)


def _check_phases(config: Config) -> None:
    workload = config.workload
    for key, values in (
        ("workload.lr", workload.lr),
        ("workload.milestones", workload.milestones),
        ("workload.weight_decay", workload.weight_decay),
    ):
        if not all(0 <= value < inf for value in values):
            raise UserError(f"{key}={values} must hold finite numbers, none of them negative")
    for key, value in (
        ("workload.momentum", workload.momentum),
        ("workload.released_momentum", workload.released_momentum),
        ("protocol.momentum", config.protocol.momentum),
    ):
        if not 0 <= value < 1:
            raise UserError(f"{key}={value} must be at least 0 and less than 1")
    phases = len(workload.lr)
    if phases != len(workload.milestones) + 1:
        raise UserError(
            f"workload.lr has {phases} values and workload.milestones {len(workload.milestones)}: "
            "give one more learning rate than milestones"
        )
    if workload.milestones != sorted(workload.milestones):
        raise UserError(f"workload.milestones={workload.milestones} must be in ascending order")
    if len(workload.weight_decay) not in (1, phases):
        raise UserError(f"workload.weight_decay must have 1 value or one per learning rate ({phases})")


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
            f"runtime.micro_batch={micro} would change batch norm, whose statistics cover the whole batch of "
            f"{batch}: set method.ghost_size, or leave out runtime.micro_batch"
        )
    if micro % ghost or batch % micro:
        raise UserError(
            f"runtime.micro_batch={micro} must be a multiple of method.ghost_size={ghost} "
            f"and divide method.batch_size={batch}"
        )


def _check_image_files(config: Config) -> None:
    if not 0 <= config.data.pad_value <= 255:
        raise UserError(f"data.pad_value={config.data.pad_value} must be a pixel value, 0 to 255")
    resize, crop, workers = config.data.resize, config.data.crop, config.runtime.workers
    _positive("data.crop", crop)
    if crop > resize:
        raise UserError(f"data.crop={crop} is larger than data.resize={resize}: lower data.crop")
    if workers is not None and workers < 0:
        raise UserError(f"runtime.workers={workers} can't be negative: 0 decodes in the main process")


def _one_of(key: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise UserError(f"{key}={value} is unknown: use one of {', '.join(choices)}")


def _positive(key: str, value: float) -> None:
    if not value > 0:
        raise UserError(f"{key}={value} must be positive")


def _finite(key: str, value: float) -> None:
    if value == inf:
        raise UserError(f"{key}=inf must be finite")
