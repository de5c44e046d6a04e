"""Checks of a configuration before any data is loaded: ranges, names and cross-field rules."""

from collections.abc import Sequence

from gengap.config.factory import check_names
from gengap.config.fields import NUMBER
from gengap.config.identity import run_name
from gengap.config.ranges import check_ranges, shown
from gengap.config.schema import Config
from gengap.config.sizes import named_batch, named_ghost
from gengap.errors import UserError, counted
from gengap.learning_rate import RULES, scaled_lr
from gengap.paths import unusable

PRECISIONS = ("fp32", "bf16")
OPTIMIZERS = ("sgd", "adam")
BN_WEIGHTS = ("network", "uniform")
DEVICES = ("auto", "cpu", "cuda")
_NOT_IN_NAMES = '/\\<>:"|?*'  # separators, and characters reserved by Windows


def check(config: Config) -> None:
    """Check values and cross-field rules, without needing data or torch.

    Raises:
        UserError: a value is out of range, or fields contradict each other.
    """
    check_names(config)
    check_ranges(config)
    _check_folder_names(config)
    _one_of("method.lr_rule", config.method.lr_rule, tuple(RULES))
    _one_of("workload.optimizer", config.workload.optimizer, OPTIMIZERS)
    _one_of("protocol.bn_weight", config.protocol.bn_weight, BN_WEIGHTS)
    _one_of("precision", config.precision, PRECISIONS)
    _one_of("runtime.device", config.runtime.device, DEVICES)
    _one_of("runtime.reduce", config.runtime.reduce, PRECISIONS)
    _check_phases(config)
    _check_betas(config)
    _check_ghosts(config)
    _check_batches(config)
    _check_adversarial(config)
    _check_image_files(config)


def _check_phases(config: Config) -> None:
    workload, method = config.workload, config.method
    for rate in workload.lr:
        largest = max([method.batch_size, *method.earlier_batches])
        scaled = scaled_lr(rate, largest, method.lr_base_batch, method.lr_rule)
        if scaled > NUMBER.high:
            raise UserError(
                f"workload.lr={workload.lr}: method.lr_rule={method.lr_rule} makes {scaled:g} of {rate:g}, "
                f"more than {NUMBER.high}: lower it"
            )
    phases = len(workload.lr)
    if phases != len(workload.milestones) + 1:
        raise UserError(
            f"workload.lr has {counted(phases, 'value')} and workload.milestones {len(workload.milestones)}: "
            "give one more learning rate than milestones"
        )
    if workload.milestones != sorted(workload.milestones):
        raise UserError(f"workload.milestones={workload.milestones} must be in ascending order")
    if len(workload.weight_decay) not in (1, phases):
        raise UserError(f"workload.weight_decay must have 1 value or one per learning rate ({phases})")


def _check_betas(config: Config) -> None:
    betas = config.workload.adam_betas
    if len(betas) != 2:
        raise UserError(f"workload.adam_betas={shown(betas)} must have 2 values, as in [0.9,0.999]")


def _check_batches(config: Config) -> None:
    sizes, milestones = config.method.earlier_batches, config.method.batch_milestones
    if len(sizes) != len(milestones):
        raise UserError(
            f"method.earlier_batches has {counted(len(sizes), 'value')} and method.batch_milestones "
            f"{len(milestones)}: give one milestone per earlier batch"
        )
    if milestones != sorted(milestones):
        raise UserError(f"method.batch_milestones={milestones} must be in ascending order")
    if sizes and config.protocol.keep_partial_batch:
        raise UserError(
            f"method.earlier_batches={shown(sizes)} can't be combined with protocol.keep_partial_batch=true: "
            "set it to false"
        )


def _check_adversarial(config: Config) -> None:
    method = config.method
    if method.adversarial and method.gradient_noise:
        raise UserError(
            f"method.adversarial={method.adversarial} can't be combined with "
            f"method.gradient_noise={method.gradient_noise}, which would turn some perturbations around: "
            "leave one out"
        )


def _check_ghosts(config: Config) -> None:
    batch, ghost, micro = config.method.batch_size, config.method.ghost_size, config.runtime.micro_batch
    if ghost is not None and batch > ghost and batch % ghost:
        raise UserError(
            f"{named_ghost(config)} does not divide {named_batch(config)}: "
            f"set method.batch_size={batch // ghost * ghost} or another method.ghost_size"
        )
    earlier = config.method.earlier_batches
    uncut = [size for size in earlier if ghost is not None and size > ghost and size % ghost]
    if uncut:
        raise UserError(
            f"method.ghost_size={ghost} does not divide {uncut[0]}, one of method.earlier_batches: "
            "change one of the two"
        )
    largest = max([batch, *earlier])
    if micro is None or micro >= largest:
        return
    if ghost is None:
        raise UserError(
            f"runtime.micro_batch={micro} would change batch norm, whose statistics cover the whole batch of "
            f"{largest}: set method.ghost_size, or leave out runtime.micro_batch"
        )
    if micro % ghost or (micro < batch and batch % micro):
        raise UserError(
            f"runtime.micro_batch={micro} must be a multiple of method.ghost_size={ghost} "
            f"and divide method.batch_size={batch}"
        )


def _check_image_files(config: Config) -> None:
    resize, crop = config.data.resize, config.data.crop
    if crop > resize:
        raise UserError(f"data.crop={crop} is larger than data.resize={resize}: lower data.crop")


def _check_folder_names(config: Config) -> None:
    """Check values that become part of the run's folder name, which every file system must accept."""
    for key, name in (
        ("workload.name", config.workload.name),
        ("method.name", config.method.name),
        ("protocol.name", config.protocol.name),
    ):
        wrong = next((character for character in name if character in _NOT_IN_NAMES), "")
        if wrong:
            raise UserError(f"{key}={name} can't contain {wrong}: it is part of the name of the run's folder")
        if not name.strip(". "):
            raise UserError(f"{key}={name} is not a name: it is part of the name of the run's folder")
        if problem := unusable(name):
            raise UserError(f"{key}={shown(name)} {problem}: it is part of the name of the run's folder")
    if problem := unusable(run_name(config)):
        raise UserError(
            f"workload.name={shown(config.workload.name)}: the name of the run's folder {problem}"
        )


def _one_of(key: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise UserError(f"{key}={value} is unknown: use one of {', '.join(choices)}")
