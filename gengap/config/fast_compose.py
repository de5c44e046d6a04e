"""Composing conf/ with Hydra's result, ten times faster: `gengap status` composes every cell of a table.

Files that choose others in their defaults list, and values for keys, are merged here. Whatever else Hydra
can do is left to Hydra.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, cast

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from gengap.config.overrides import CONF, GROUPS
from gengap.config.schema import Config

_GLOBAL = "# @package _global_"
_OWN_KEYS = ("defaults", "hydra")  # of a file, that are no part of the configuration
_SCHEMA = OmegaConf.structured(Config)


class _NeedsHydraError(Exception):
    pass


def compose_overrides(overrides: Sequence[Override]) -> DictConfig:
    """Compose overrides that are checked already; interpolations are left as they are.

    Raises:
        HydraException, OmegaConfBaseException: they don't compose.
    """
    try:
        return _quickly(overrides)
    except _NeedsHydraError:
        return by_hydra(overrides)


def by_hydra(overrides: Sequence[Override]) -> DictConfig:
    """Compose by Hydra itself; errors as above."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", [o.input_line or "" for o in overrides])


def _quickly(overrides: Sequence[Override]) -> DictConfig:
    if any(o.is_delete() or o.package for o in overrides):
        raise _NeedsHydraError
    typed = {o.key_or_group: str(o.value()) for o in overrides if o.key_or_group in GROUPS}
    experiment = typed.pop("experiment", None)
    listed = _choices("config.yaml")
    chosen = listed | (_choices(f"experiment/{experiment}.yaml") if experiment else {}) | typed
    if "???" in chosen.values():
        raise _NeedsHydraError  # that says what is not chosen
    nodes = [node for group in listed for node in _nodes(group, chosen)]
    nodes.append(_content("config.yaml"))
    if experiment:
        nodes.append(_content(f"experiment/{experiment}.yaml"))
    composed = cast(DictConfig, OmegaConf.merge(_SCHEMA, *nodes))
    OmegaConf.set_struct(composed, True)
    for override in (o for o in overrides if o.key_or_group not in GROUPS):
        OmegaConf.update(composed, override.key_or_group, override.value(), force_add=override.is_force_add())
    return composed


def _nodes(group: str, chosen: Mapping[str, str]) -> Iterator[DictConfig]:
    """The chosen file of a group, after those that it lists itself."""
    path = f"{group}/{chosen[group]}.yaml"
    for other, choice in _choices(path).items():
        yield from _nodes(other, {other: choice, **chosen})
    yield _content(path)


@cache
def _choices(path: str) -> dict[str, str]:
    """What a file's defaults list chooses: group to name."""
    chosen: dict[str, str] = {}
    entries: list[Any] = OmegaConf.to_container(_file(path)).get("defaults", [])  # type: ignore[union-attr]
    for place, entry in enumerate(entries):
        if entry == "_self_":
            if any(isinstance(e, Mapping) and "override" not in next(iter(e)) for e in entries[place + 1 :]):
                raise _NeedsHydraError  # something is to win over the file itself
        elif isinstance(entry, Mapping):
            (words, choice), *_ = entry.items()
            group = str(words).removeprefix("override ").removeprefix("/")
            if group in GROUPS:
                chosen[group] = str(choice)
            elif not group.startswith("hydra/"):
                raise _NeedsHydraError
        elif entry != "schema":
            raise _NeedsHydraError
    return chosen


@cache
def _content(path: str) -> DictConfig:
    """What a file says, at the place of the configuration where it belongs."""
    node = OmegaConf.create({k: v for k, v in _file(path).items_ex(resolve=False) if k not in _OWN_KEYS})
    everywhere = "/" not in path or _GLOBAL in (CONF / path).read_text(encoding="utf-8")
    return node if everywhere else OmegaConf.create({path.partition("/")[0]: node})


@cache
def _file(path: str) -> DictConfig:
    return cast(DictConfig, OmegaConf.load(CONF / path))
