"""Check command-line overrides one by one, because Hydra's own messages are long and misleading."""

import shlex
from collections.abc import Sequence
from functools import cache
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException

from gengap.config.conf import ADDED, GROUPS, names_in
from gengap.config.hints import near_word
from gengap.config.keys import (
    OPTIONS,
    check_choice,
    check_option,
    check_value,
    is_list,
    keys,
    plus,
    shown,
    unknown_key,
)
from gengap.config.own_files import check_own_file
from gengap.config.verbatim import verbatim
from gengap.errors import UserError, either

LONGEST_WORD = 200  # most characters of a word shown in a message


@cache
def parse(argument: str) -> Override:
    """Parse an override such as `key=value`; keys below model.options need not exist yet.

    Text is kept as typed, whatever Hydra's grammar would make of it: 1e3 is not a number in
    workload.name=1e3, and in a path, only ~ and environment variables have a special meaning.

    Raises:
        UserError: it can't be parsed.
    """
    if not argument or argument.startswith("="):
        raise UserError(f"{argument!r} has no key: type KEY=VALUE")
    if argument.strip(",") != argument:
        raise UserError(f"{argument!r}: write several values without spaces around the comma, as in seed=0,1")
    if "=" not in argument and not argument.startswith("~"):
        _refuse_bare_word(argument)
    bare, word = argument.lstrip("+"), argument
    if bare.startswith((OPTIONS, "model.options=")):
        word = f"++{bare}"  # sets an option whether or not the workload has it
    elif bare.startswith(tuple(f"{group}=" for group in ADDED)):
        word = f"+{bare}"  # experiment=NAME and +experiment=NAME mean the same
    try:
        return OverridesParser.create().parse_override(verbatim(word))
    except (HydraException, ValueError, RecursionError) as error:  # also from endless numbers and lists
        raise UserError(
            f"can't parse {_shortened(argument)}: type key=value, with lists in quotes, as in "
            "'workload.lr=[0.1,0.01]'"
        ) from error


def _shortened(word: str) -> str:
    return word if len(word) <= LONGEST_WORD else f"{word[:LONGEST_WORD]}..."


def _refuse_bare_word(word: str) -> None:
    key = word.lstrip("+")
    if key in keys() or key in GROUPS or key.startswith(OPTIONS):
        raise UserError(f"{word} has no value: type {plus(key)}={'NAME' if key in GROUPS else 'VALUE'}")
    near = near_word(key)
    advice = f"did you mean {near}?" if near else "type gengap train --help for the keys"
    raise UserError(f"{word} is not key=value: {advice}")


def hydra_words(words: Sequence[str]) -> list[str]:
    """Convert overrides to the form Hydra should read, whose grammar would otherwise split up paths."""
    return [parse(word).input_line or "" for word in words]


def check_override(override: Override) -> None:
    """Check the key of an override with a single value, and the value's type or choice.

    Raises:
        UserError: it is invalid; the message names the nearest keys or choices, or the expected type.
    """
    key = override.key_or_group
    if override.is_hydra_override():
        raise UserError(f"{key} can't be set: {_refusal(key)}")
    if key in GROUPS:
        _check_choice(override)
    elif key.startswith(OPTIONS):
        if not override.is_delete():
            check_option(key, override.value())
    elif key not in keys():
        raise UserError(unknown_key(key, GROUPS))
    elif override.is_delete():
        raise UserError(f"{key} can't be removed: type {key}=VALUE to change it")
    elif override.is_add():
        raise UserError(f"{key} exists already: type {key}=VALUE without the +")
    else:
        _check_single_value(key, override.value())


def _check_single_value(key: str, value: Any) -> None:
    if is_list(key) and isinstance(value, str) and value.startswith("["):
        raise UserError(f"{key}={value} is quoted twice: type '{key}={value}'")
    try:
        check_value(key, value)
    except UserError as error:
        if isinstance(value, list) and value and not is_list(key):
            raise UserError(
                f"{error}; for several runs type -m {key}={','.join(map(shown, value))}"
            ) from error
        raise


_REFUSED = {
    "hydra.run": "the folder of a run follows from its configuration; set results_dir=DIR",
    "hydra.sweep.": "the folders of runs follow from their configurations; set results_dir=DIR",
    "hydra.job.chdir": "paths are relative to the folder that gengap is called from; set results_dir=DIR",
    "hydra/sweeper": "runs are found again by their settings; list values with commas, or write a sweep file",
    "hydra.sweeper": "runs are found again by their settings; list values with commas, or write a sweep file",
    "hydra.mode": "type -m for several runs",
}


def _refusal(key: str) -> str:
    """Explain why one of Hydra's own keys is not accepted, and what to type instead."""
    taken = "the only Hydra keys are hydra/launcher=NAME, hydra.launcher.KEY=VALUE and hydra.searchpath=[DIR]"
    return next((reason for start, reason in _REFUSED.items() if key.startswith(start)), taken)


def _check_choice(override: Override) -> None:
    group, value = override.key_or_group, override.value()
    if override.is_delete():
        raise UserError(f"{group} can't be removed: type {plus(group)}=NAME to change it")
    if override.package is not None:
        raise UserError(f"{override.get_key_element()} takes no package: type {plus(group)}={value}")
    if group not in ADDED and override.is_add():
        raise UserError(f"{group} takes no +: type {group}={value}")
    if isinstance(value, list):
        names = ",".join(map(str, value))
        raise UserError(f"{plus(group)}=[{names}] is a list: for several runs type -m {plus(group)}={names}")
    check_choice(group, value)
    check_own_file(group, str(value))


def selects(overrides: Sequence[Override]) -> bool:
    """Whether the overrides say what to train: an experiment, a sweep, or both a workload and a method."""
    chosen = {o.key_or_group for o in overrides if not o.is_delete()}
    return bool(chosen & set(ADDED)) or {"workload", "method"} <= chosen


def check_selection(overrides: Sequence[Override]) -> None:
    """Check that the overrides select an experiment, a sweep, or both a workload and a method.

    Raises:
        UserError: they don't.
    """
    if selects(overrides):
        return
    chosen = {o.key_or_group for o in overrides}
    missing = [group for group in ("workload", "method") if group not in chosen]
    if len(missing) == 2:
        raise UserError(
            "nothing to train: add +experiment=NAME or +sweep=NAME; type gengap train --help for the names"
        )
    raise UserError(f"no {missing[0]} given: add {missing[0]}=NAME ({either(names_in(missing[0]))})")


def check_list(override: Override) -> None:
    """Check that comma-separated values are not meant as the elements of a single list.

    Raises:
        UserError: they are; the message shows how to type the list.
    """
    key = override.key_or_group
    if not (is_list(key) and override.is_discrete_sweep()) or isinstance(override.value(), Glob):
        return
    values = list(override.sweep_string_iterator())
    if not any(value.startswith("[") for value in values):
        raise UserError(
            f"{override.input_line} must be one list: type '{key}=[{','.join(values)}]', in quotes"
        )


def check_single(overrides: Sequence[Override], typed: Sequence[str]) -> None:
    """Check that no override lists several values, which would mean several runs.

    Args:
        overrides: overrides of the command.
        typed: everything after `gengap train`, including flags.

    Raises:
        UserError: one does; the message gives the command that trains all of the runs.
    """
    for override in overrides:
        if override.is_sweep_override():
            command = shlex.join(["gengap", "train", "-m", *typed])
            raise UserError(f"{override.input_line} makes several runs: type {command}")
