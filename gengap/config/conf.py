"""`conf/` as read by Hydra: the names in its groups, and the composition of overrides."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, flag_override

from gengap.config.schema import Config
from gengap.errors import UserError
from gengap.paths import expanded

ROOT_CONFIG = "config"
VERSION_BASE = "1.3"
_PACKAGE = Path(__file__).resolve().parents[1]
CONF = next(p for p in (_PACKAGE / "conf", _PACKAGE.parent / "conf") if p.is_dir())  # wheel, or checkout

ADDED = ("experiment", "sweep")  # need a +, since the root configuration doesn't list them
GROUPS = (*ADDED, "workload", "method", "protocol", "data")
# Networks that use torch's default batch norm weights in the released code; at the time, drawn from U(0, 1)
_DEFAULT_BN_WEIGHT = ("f1", "c1", "c3", "alexnet")


def register() -> None:
    """Register the schema and the resolvers with Hydra; idempotent."""
    ConfigStore.instance().store(name="schema", node=Config)
    OmegaConf.register_new_resolver("divide", _divide, replace=True)
    # The released code's reference batch: the ghost size in its script for ghosts, 256 in its other script
    OmegaConf.register_new_resolver("released_reference", lambda ghost: ghost or 256, replace=True)
    OmegaConf.register_new_resolver("released_bn_weight", _released_bn_weight, replace=True)


def _released_bn_weight(network: str) -> str:
    """Value of `protocol.bn_weight` that matches the released code, whose ResNets set the weights to 1."""
    return "uniform" if network in _DEFAULT_BN_WEIGHT else "network"


def _divide(*numbers: float) -> float:
    if len(numbers) != 2 or not all(isinstance(n, int | float) for n in numbers):
        raise ValueError("divide takes two numbers")
    return numbers[0] / numbers[1]


register()


@cache
def config_loader() -> ConfigLoader:
    """Create Hydra's loader for conf/, which stays usable after Hydra's global state is restored."""
    with initialize_config_dir(str(CONF), job_name="gengap", version_base=VERSION_BASE):
        return GlobalHydra.instance().config_loader()


_added: list[str] = []  # folders added beside conf/ in this process, in the form of Hydra's search path


def add_config_dirs(folders: Sequence[str | Path]) -> None:
    """Search these folders for experiments, workloads, sweeps and other choices, after conf/ itself.

    They have the same layout as conf/, and apply to the whole process.

    Raises:
        UserError: there is no such folder, or it isn't laid out like conf/.
    """
    for folder in folders:
        path = expanded(folder).absolute()
        if not path.is_dir():
            raise UserError(f"--config-dir {folder} is not a folder: name one that is laid out like conf/")
        if not any((path / group).is_dir() for group in (*GROUPS, "hydra")):
            raise UserError(
                f"--config-dir {folder} has no folder experiment, workload or sweep in it: "
                "name one that is laid out like conf/"
            )
        if f"file://{path}" not in _added:
            _added.append(f"file://{path}")
    names_in.cache_clear()


def own_files(group: str, name: str) -> list[Path]:
    """Find files of this name in a group's folders beside conf/; relative if below the current folder."""
    files = (Path(url.removeprefix("file://")) / group / name for url in _added)
    here = Path.cwd()
    return [f.relative_to(here) if f.is_relative_to(here) else f for f in files if f.is_file()]


def search_path() -> list[str]:
    """Override that makes Hydra search the added folders; empty if there are none."""
    urls = ",".join(map(quoted, _added))
    return [f"hydra.searchpath=[{urls}]"] if _added else []


def quoted(text: str) -> str:
    """Quote a text so that Hydra takes it literally."""
    return QuotedString(text, Quote.single).with_quotes()


@cache
def names_in(group: str) -> list[str]:
    """List the names of the choices in a group, sorted."""
    options = config_loader().get_group_options(group, config_name=ROOT_CONFIG, overrides=search_path())
    return sorted(options)


def without_hydra(composed: DictConfig) -> DictConfig:
    """Remove Hydra's own settings from a composed configuration, in place."""
    with flag_override(composed, ["readonly", "struct"], False):
        del composed["hydra"]
    return composed


def choices(composed: DictConfig) -> dict[str, str]:
    """Choice in each group, wherever it was made; the configuration must still have Hydra's settings."""
    made = composed.hydra.runtime.choices
    return {group: str(made[group]) for group in GROUPS if made.get(group)}


def compose_with_hydra(words: Sequence[str]) -> DictConfig:
    """Compose for one run, with Hydra's own settings under `hydra`, leaving interpolations unresolved.

    Raises:
        HydraException, OmegaConfBaseException: the overrides don't compose.
    """
    words = [*search_path(), *words]
    return config_loader().load_configuration(ROOT_CONFIG, words, RunMode.RUN, from_shell=False)


def compose_multirun(words: Sequence[str]) -> DictConfig:
    """Compose for several runs, with Hydra's own settings, as set by a sweep or launcher, under `hydra`.

    Raises:
        HydraException: the overrides don't compose.
    """
    words = [*search_path(), *words]
    return config_loader().load_configuration(ROOT_CONFIG, words, RunMode.MULTIRUN, from_shell=False)


def install_completion(words: Sequence[str]) -> None:
    """Print the shell code for Hydra's tab completion, given arguments such as install=bash."""
    with initialize_config_dir(str(CONF), job_name="gengap", version_base=VERSION_BASE):
        _hydra().shell_completion(ROOT_CONFIG, list(words))


def show_info(topic: str, words: Sequence[str], *, partial: bool = False) -> None:
    """Print what `--info TOPIC` prints in any Hydra application: all, defaults, searchpath, plugins, ...

    Args:
        topic: one of Hydra's topics.
        words: overrides.
        partial: whether the overrides lack a choice that a run needs.
    """
    mode = RunMode.MULTIRUN if partial else RunMode.RUN
    with initialize_config_dir(str(CONF), job_name="gengap", version_base=VERSION_BASE):
        _hydra().show_info(topic, ROOT_CONFIG, [*search_path(), *words], mode)


def _hydra() -> Any:
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None  # inside initialize_config_dir
    return hydra
