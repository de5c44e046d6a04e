"""`conf/` as Hydra reads it: the names in its groups, and the composition of overrides."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, flag_override

from gengap.config.schema import Config

ROOT_CONFIG = "config"
VERSION_BASE = "1.3"
_PACKAGE = Path(__file__).resolve().parents[1]
CONF = next(p for p in (_PACKAGE / "conf", _PACKAGE.parent / "conf") if p.is_dir())  # wheel, or checkout

ADDED = ("experiment", "sweep")  # need a +, since the root configuration doesn't list them
GROUPS = (*ADDED, "workload", "method", "protocol", "data")


def register() -> None:
    """Register the schema and the resolvers with Hydra; idempotent."""
    ConfigStore.instance().store(name="schema", node=Config)
    OmegaConf.register_new_resolver("divide", lambda a, b: a / b, replace=True)
    # The released code's reference batch: its ghost script uses the ghost size, its other script 256
    OmegaConf.register_new_resolver("released_reference", lambda ghost: ghost or 256, replace=True)


register()


@cache
def config_loader() -> ConfigLoader:
    """Hydra's loader of conf/; it stays usable after Hydra's global state is restored."""
    with initialize_config_dir(str(CONF), job_name="gengap", version_base=VERSION_BASE):
        return GlobalHydra.instance().config_loader()


@cache
def names_in(group: str) -> list[str]:
    """Names of the choices in a group, sorted."""
    return sorted(config_loader().get_group_options(group))


def compose(words: Sequence[str]) -> DictConfig:
    """Compose overrides as Hydra does; interpolations stay unresolved.

    Raises:
        HydraException, OmegaConfBaseException: they don't compose.
    """
    composed = config_loader().load_configuration(ROOT_CONFIG, list(words), RunMode.RUN, from_shell=False)
    with flag_override(composed, ["readonly", "struct"], False):
        del composed["hydra"]
    return composed


def compose_multirun(words: Sequence[str]) -> DictConfig:
    """Compose for several runs, with Hydra's own settings under `hydra`, as a sweep or launcher sets them.

    Raises:
        HydraException: the overrides don't compose.
    """
    loader = config_loader()
    return loader.load_configuration(ROOT_CONFIG, list(words), RunMode.MULTIRUN, from_shell=False)


def install_completion(words: Sequence[str]) -> None:
    """Print the shell code of Hydra's tab completion for arguments such as install=bash."""
    with initialize_config_dir(str(CONF), job_name="gengap", version_base=VERSION_BASE):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        hydra.shell_completion(ROOT_CONFIG, list(words))
