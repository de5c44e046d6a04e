"""Find which of the user's own files contains a mistake that only shows in the composed configuration."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from omegaconf import MISSING, DictConfig, OmegaConf

from gengap.config.conf import names_in
from gengap.config.keys import keys
from gengap.config.own_files import files, keys_in
from gengap.errors import UserError, either

_UNCHOSEN = re.compile(r"You must specify '(\w+)'")  # in Hydra's ConfigCompositionException
_KEY = re.compile(r"[a-z_]+(?:\.[a-z_]+)?")


def raise_unchosen(message: str, chosen: Mapping[str, str]) -> None:
    """Report which choice an experiment leaves out, if that is what Hydra's message is about.

    Raises:
        UserError: the experiment chooses no workload or no method.
    """
    found = _UNCHOSEN.search(message)
    for file, _ in files("experiment", chosen.get("experiment", "")) if found else ():
        group = found.group(1) if found else ""
        raise UserError(
            f"{file}: it chooses no {group}: write - override /{group}: NAME below defaults: "
            f"({either(names_in(group))})"
        )


def raise_incomplete(composed: DictConfig, chosen: Mapping[str, str]) -> None:
    """Reject a configuration in which keys have no value, and name the file to set them in.

    Raises:
        UserError: there are such keys.
    """
    values = OmegaConf.to_container(composed, resolve=False)
    missing = [key for key in keys() if _value(values, key) == MISSING]
    if not missing:
        return
    names = f"{', '.join(missing)} {'has' if len(missing) == 1 else 'have'} no value"
    own_group = "method" if all(key.startswith("method.") for key in missing) else "workload"
    advice = ", or add - /data: NAME below defaults:" if "data.name" in missing else ""
    if {"data.name", "model.name", "workload.small_batch"} <= set(missing):
        advice = ", or take them from another workload: add its name below defaults:, as in - digits_f1"
    for file, group in _files(chosen):
        if group == own_group:
            raise UserError(f"{file}: {names}: set {'it' if len(missing) == 1 else 'them'} there{advice}")
    raise UserError(f"{names}: add {' '.join(f'{key}=VALUE' for key in missing)}")


def _value(tree: Any, key: str) -> Any:
    for name in key.split("."):
        tree = tree.get(name) if isinstance(tree, Mapping) else tree
    return tree


def in_file(error: UserError, chosen: Mapping[str, str], typed: Collection[str]) -> UserError:
    """Prefix an error with the file that sets one of the keys in its message, unless the key was typed."""
    named = {key for key in _KEY.findall(str(error)) if key in keys()}
    if named & set(typed):
        return error
    setting = (file for file, group in _files(chosen) if named & keys_in(file, group))
    return next((UserError(f"{file}: {error}") for file in setting), error)


def _files(chosen: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    for group, name in chosen.items():
        yield from files(group, name)
