"""Compose the experiments in conf/ without Hydra, with the same result but many times faster.

`gengap status` and `gengap report` need every cell of a table. Only features used by the shipped experiments
(defaults lists and values) are supported, and tests compare each of them with Hydra's composition. Training
uses Hydra.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from gengap.config.compose import compose_config, to_config
from gengap.config.conf import CONF, GROUPS, names_in, own_files
from gengap.config.identity import run_name
from gengap.config.schema import PAPER, Config
from gengap.errors import UserError

EXPERIMENT = "+experiment="
_GLOBAL = "# @package _global_"
_NO_VALUES = ("defaults", "hydra")  # keys in a file that are not part of the configuration
_SCHEMA = OmegaConf.structured(Config)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cell:
    """An experiment in conf/experiment, i.e. a cell of a table, and the directory name of its runs."""

    experiment: str
    workload: str
    method: str
    run: str


def experiments() -> list[str]:
    """List the names of all experiments, sorted."""
    return names_in("experiment")


def cell(experiment: str) -> Cell:
    """Look up the cell of an experiment by name."""
    config = experiment_config(experiment)
    return Cell(experiment, config.workload.name, config.method.name, run_name(config))


def choices(experiment: str) -> tuple[str, str]:
    """Read workload and method from an experiment's defaults list, without composing it.

    They are empty strings if the file inherits them from another experiment. Experiments in added folders are
    composed.

    Raises:
        UserError: an experiment in an added folder does not compose.
    """
    if not is_shipped("experiment", experiment):
        config = experiment_config(experiment)
        return config.workload.name, config.method.name
    chosen = _choices(f"experiment/{experiment}.yaml")
    return chosen.get("workload", ""), chosen.get("method", "")


@cache
def all_choices() -> dict[str, tuple[str, str]]:
    """Read the choices of every experiment, by name, skipping the user's own files that don't compose.

    Each of those is logged in one line, so that a bad file leaves all other experiments usable.
    """
    found = {}
    for name in experiments():
        try:
            found[name] = choices(name)
        except UserError as error:
            file = str(next(iter(own_files("experiment", f"{name}.yaml")), name))
            log.warning("gengap: %s is ignored: %s", file, str(error).removeprefix(f"{file}: "))
    return found


@cache
def cells() -> dict[tuple[str, str], str]:
    """Map each workload and method to the experiment with the shortest name; others are for figures.

    Shipped experiments take precedence over a user's own.
    """
    longest_first = sorted(
        all_choices(), key=lambda e: (not is_shipped("experiment", e), len(e)), reverse=True
    )
    return {all_choices()[name]: name for name in longest_first}


@cache
def recipes() -> set[tuple[float, tuple[float, ...]]]:
    """Epochs and milestones of every shipped workload."""
    workloads = (_content(f"workload/{file.name}").workload for file in (CONF / "workload").glob("*.yaml"))
    return {(float(w.epochs), tuple(float(m) for m in w.get("milestones", []))) for w in workloads}


@cache
def experiment_config(experiment: str, protocol: str = PAPER) -> Config:
    """Get the configuration of an experiment; it is cached, so callers must not change it.

    Raises:
        UserError: there is no such protocol, which may happen because records can name any.
    """
    if is_shipped("experiment", experiment) and is_shipped("protocol", protocol):
        return to_config(_composed(experiment, protocol))
    if protocol not in names_in("protocol"):
        raise UserError(f"there is no protocol {protocol}")
    return compose_config([EXPERIMENT + experiment, f"protocol={protocol}"])


def experiment_with(experiment: str, protocol: str, settings: Sequence[str]) -> Config:
    """Compose a shipped experiment under a protocol, with plain settings such as `method.ghost_size=null`."""
    composed = OmegaConf.merge(_composed(experiment, protocol), OmegaConf.from_dotlist(list(settings)))
    return to_config(cast(DictConfig, composed))


def is_shipped(group: str, name: str) -> bool:
    """Whether a file of this name is in gengap's own conf/."""
    return name in {file.stem for file in (CONF / group).glob("*.yaml")}


def _composed(experiment: str, protocol: str) -> DictConfig:
    """Merge an experiment's files in the order of their defaults lists; interpolations stay unresolved."""
    root, own = "config.yaml", f"experiment/{experiment}.yaml"
    listed = _choices(root)
    chosen = listed | _choices(own) | {"protocol": protocol}
    nodes = [node for group in listed for node in _nodes(group, chosen)]
    composed = OmegaConf.merge(_SCHEMA, *nodes, _content(root), _content(own))
    return cast(DictConfig, composed)


def _nodes(group: str, chosen: Mapping[str, str]) -> Iterator[DictConfig]:
    """Yield the content of a group's chosen file, preceded by the files in its own defaults list."""
    path = f"{group}/{chosen[group]}.yaml"
    for other, choice in _choices(path).items():
        yield from _nodes(other, {other: choice, **chosen})
    yield _content(path)


@cache
def _choices(path: str) -> dict[str, str]:
    """Read the choices in a file's defaults list, as a map from group to name."""
    entries = (e for e in _file(path).get("defaults", []) if isinstance(e, Mapping))
    pairs = (pair for entry in entries for pair in entry.items())
    named = ((str(group).removeprefix("override ").removeprefix("/"), str(name)) for group, name in pairs)
    return {group: name for group, name in named if group in GROUPS}


@cache
def _content(path: str) -> DictConfig:
    """Read a file's values, placed under its group's key or, with `@package _global_`, at the root."""
    node = {key: value for key, value in _file(path).items() if key not in _NO_VALUES}
    everywhere = "/" not in path or _GLOBAL in (CONF / path).read_text(encoding="utf-8")
    return OmegaConf.create(node if everywhere else {path.partition("/")[0]: node})


@cache
def _file(path: str) -> dict[str, Any]:
    return cast(dict[str, Any], OmegaConf.to_container(OmegaConf.load(CONF / path), resolve=False))
