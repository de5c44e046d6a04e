"""From Hydra to a checked Config, and a run's identity: the directory that its config names."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from hydra import initialize_config_dir
from hydra._internal.hydra import Hydra  # what GlobalHydra holds; no public name
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import (
    InterpolationResolutionError,
    InterpolationToMissingValueError,
    MissingMandatoryValue,
    OmegaConfBaseException,
)

from gengap.config.checks import check
from gengap.config.fast_compose import compose_overrides
from gengap.config.overrides import CONF, check_override, check_selection, names_in, parse
from gengap.config.schema import Config
from gengap.errors import UserError

_NOT_IDENTITY = {"seed", "runtime", "results_dir", "data.root"}


def register() -> None:
    """Make the schema and the resolvers known to Hydra; calling it again does no harm."""
    ConfigStore.instance().store(name="schema", node=Config)
    OmegaConf.register_new_resolver("divide", lambda a, b: a / b, replace=True)
    # The released code's reference batch: its ghost script uses the ghost size, the other one 256.
    OmegaConf.register_new_resolver("released_reference", lambda ghost: ghost or 256, replace=True)


register()


@contextmanager
def hydra_of_gengap() -> Iterator[Hydra]:
    """Hydra with conf/ as its configuration, for what composing alone doesn't do."""
    with initialize_config_dir(str(CONF), job_name="gengap", version_base="1.3"):
        yield cast(Hydra, GlobalHydra.instance().hydra)


def to_config(cfg: DictConfig) -> Config:
    """Resolve and check a composed configuration.

    Raises:
        UserError: a value is missing, or fields contradict each other.
    """
    with suppress(InterpolationResolutionError):  # to_object says of which key
        OmegaConf.resolve(cfg)  # once; every look at an interpolation parses it
    try:
        config = cast(Config, OmegaConf.to_object(cfg))
    except (InterpolationToMissingValueError, MissingMandatoryValue) as error:
        key = min(OmegaConf.missing_keys(cfg))
        raise UserError(
            f"{key} has no value: choose a cell with +experiment=NAME, or set {key}=VALUE"
        ) from error
    check(config)
    return config


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


def recorded_differences(recorded: Mapping[str, Any], config: Config) -> dict[str, Any]:
    """Dotted key to recorded value wherever a run.json's configuration has another identity than `config`.

    A key that the record is older than has the schema's default.
    """
    expected = _flat(as_dict(config))
    found = _flat(as_dict(Config())) | _flat(recorded)
    return {
        key: value
        for key, value in found.items()
        if key not in _NOT_IDENTITY and key.split(".")[0] not in _NOT_IDENTITY and expected.get(key) != value
    }


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


@dataclass(frozen=True)
class Cell:
    """An experiment of conf/experiment: a cell of a table, and the directory name of its runs."""

    experiment: str
    workload: str
    method: str
    run: str


def experiments() -> list[str]:
    """Names of all experiments, sorted."""
    return names_in("experiment")


def choices(experiment: str) -> tuple[str, str]:
    """The workload and the method that an experiment's file names, read without composing it.

    Empty where the file leaves one to another file.
    """
    file = cast(DictConfig, OmegaConf.load(CONF / "experiment" / f"{experiment}.yaml"))
    entries = (entry for entry in file.get("defaults", []) if isinstance(entry, DictConfig))
    pairs = [pair for entry in entries for pair in entry.items()]
    chosen = {str(group).split("/")[-1]: str(name) for group, name in pairs}
    return chosen.get("workload", ""), chosen.get("method", "")


def compose_config(overrides: Sequence[str]) -> Config:
    """The configuration that `gengap train` would run with these overrides.

    Raises:
        UserError: they don't compose, or contradict each other.
    """
    parsed = [parse(o) for o in overrides]
    check_selection(parsed)
    for override in parsed:
        check_override(override)
    try:
        return to_config(compose_overrides(parsed))
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(one_line(error)) from error


def one_line(error: BaseException) -> str:
    """A message of Hydra's, and its cause's, on one line."""
    texts = [str(e) for e in (error, error.__cause__) if e is not None]
    lines = [line.strip() for text in texts for line in text.splitlines()]
    return " ".join(line for line in lines if not line.startswith(("reference_type=", "object_type=")))


@cache
def experiment_config(name: str) -> Config:
    """The configuration of an experiment, composed once: not to be changed."""
    return compose_config([f"+experiment={name}"])


def cell(experiment: str) -> Cell:
    """The cell of an experiment by name."""
    config = experiment_config(experiment)
    return Cell(experiment, config.workload.name, config.method.name, run_name(config))
