"""Networks and data sets by name: gengap's own, or a user's, specified as `package.module:factory`."""

import importlib
import sys
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar, cast

from gengap.config.ranges import Range, check_number
from gengap.config.schema import Config
from gengap.errors import UserError

_T = TypeVar("_T")
_PACKAGE = Path(__file__).parents[1]

# Contents of gengap.models and gengap.data.load, repeated here because those import torch; a test compares
# them
OPTIONS_OF: Mapping[str, Collection[str]] = {
    "f1": ("in_features", "width", "depth"),
    **dict.fromkeys(("c1", "c2", "c3", "c4", "keskar_c1", "keskar_c3"), ()),
    **dict.fromkeys(("resnet44", "vgg", "wresnet16_4", "alexnet"), ()),
}
OPTION_RANGE = Range(1, 10**6)  # for every option of gengap's own networks
DATA_SETS = ("digits", "mnist", "cifar10", "cifar100", "imagenet")


def check_names(config: Config) -> None:
    """Check the names of network and data set, and option values of gengap's own networks.

    Raises:
        UserError: a name is unknown or a value out of range; the message suggests what may be meant.
    """
    _check_name("model.name", config.model.name, OPTIONS_OF)
    _check_name("data.name", config.data.name, DATA_SETS)
    for option in OPTIONS_OF.get(config.model.name, ()):
        check_number(f"model.options.{option}", config.model.options.get(option, 1), OPTION_RANGE, whole=True)


def own_names(config: Config) -> list[tuple[str, str, Collection[str]]]:
    """List the user's own network and data set, with key, name, and gengap's names for that key."""
    named = (("model.name", config.model.name, OPTIONS_OF), ("data.name", config.data.name, DATA_SETS))
    return [(key, name, known) for key, name, known in named if ":" in name]


def check_options(name: str, options: Iterable[str]) -> None:
    """Check that a network accepts the options, if it is one of gengap's.

    Raises:
        UserError: it does not; the message lists the options it accepts.
    """
    for option in options if name in OPTIONS_OF else ():
        taken = OPTIONS_OF[name]
        if option not in taken:
            near = get_close_matches(option, taken, n=1)
            advice = f"did you mean {near[0]}?" if near else f"it takes {', '.join(taken) or 'none'}"
            raise UserError(f"model.name={name} has no option {option}: {advice}")


def _check_name(key: str, name: str, known: Collection[str]) -> None:
    if name in known:
        return
    module, colon, attribute = name.partition(":")
    if not colon:
        raise UserError(_unknown(key, name, known))
    if not module or not attribute:
        raise UserError(f"{key}={name} is incomplete: type {key}=package.module:factory")
    if module.endswith(".py") or "/" in module:
        dotted = module.removesuffix(".py").strip("./").replace("/", ".")
        raise UserError(f"{key}={name} names a file: type {key}={dotted}:{attribute}")


def _unknown(key: str, name: str, known: Iterable[str]) -> str:
    listed = list(known)
    near = get_close_matches(name.lower(), listed, n=1)
    module, dot, attribute = name.rpartition(".")
    if dot and module and attribute:
        near = [f"{module}:{attribute}"]
    advice = (
        f"did you mean {key}={near[0]}?"
        if near
        else f"use one of {', '.join(listed)}, or package.module:factory"
    )
    return f"{key}={name} is unknown: {advice}"


def check_module(key: str, name: str) -> None:
    """Check, without importing it, that the module in `package.module:factory` exists.

    Raises:
        UserError: it does not exist.
    """
    module = name.partition(":")[0]
    try:
        found = find_spec(module) is not None
    except (ImportError, ValueError):
        found = False
    if not found:
        raise UserError(_no_module(key, name))


def _no_module(key: str, name: str) -> str:
    module = name.partition(":")[0]
    return (
        f"{key}={name} can't be imported: there is no module {module}; "
        "call gengap from the folder that holds it"
    )


def imported(key: str, name: str, known: Iterable[str]) -> Callable[..., Any]:
    """Import the callable named by the configuration's `key`.

    Args:
        key: configuration key, for error messages.
        name: `package.module:factory`.
        known: built-in names, for error messages.

    Raises:
        UserError: the name has no colon, can't be imported, or is not callable.
    """
    module, colon, attribute = name.partition(":")
    if not colon:
        raise UserError(_unknown(key, name, known))
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, SyntaxError, ValueError) as error:
        there = vars(sys.modules.get(module, object))
        if isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]:
            raise UserError(_no_module(key, name)) from error
        near = get_close_matches(attribute, [n for n, value in there.items() if callable(value)], n=1)
        advice = f"; did you mean {module}:{near[0]}?" if near and near[0] != attribute else ""
        raise UserError(f"{key}={name} can't be imported: {error}{advice}") from error
    except Exception as error:
        raise UserError(f"{key}={name} fails at its import with {_reason(error)}{_place(error)}") from error
    if not callable(found):
        raise UserError(f"{key}={name} is not callable but {found!r}: name a function")
    return cast(Callable[..., Any], found)


def called(key: str, name: str, call: Callable[[], _T]) -> _T:
    """Call a factory; if a user's own raises an error, report it with its name and the line that failed.

    Args:
        key: configuration key that names the factory.
        name: name of the factory.
        call: calls the factory.

    Raises:
        UserError: the factory raised an error.
        TypeError: the factory does not accept these arguments.
    """
    if ":" not in name:
        return call()
    try:
        return call()
    except (UserError, BrokenPipeError):
        raise
    except Exception as error:
        place = _place(error)
        if isinstance(error, TypeError) and not place:
            raise
        raise UserError(f"{key}={name} fails with {_reason(error)}{place}") from error


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _place(error: Exception) -> str:
    """Last line in the first file outside gengap in an error's traceback; empty if there is none."""
    frames = traceback.extract_tb(error.__traceback__)
    skipped = (str(_PACKAGE), importlib.__path__[0], "<")  # gengap, importlib and frozen modules
    foreign = [f for f in frames if not f.filename.startswith(skipped)]
    lines = [f.lineno for f in foreign if f.filename == foreign[0].filename]
    return f" ({Path(foreign[0].filename).name}, line {lines[-1]})" if foreign else ""
