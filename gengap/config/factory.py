"""A user's own network or data set, named as `package.module:factory`."""

import importlib
from collections.abc import Callable, Iterable
from typing import Any, cast

from gengap.errors import UserError


def imported(key: str, name: str, known: Iterable[str]) -> Callable[..., Any]:
    """The callable that the configuration's `key` names.

    Args:
        key: the configuration key, for error messages.
        name: `package.module:factory`.
        known: the built-in names, for error messages.

    Raises:
        UserError: the name has no colon, can't be imported, or is not callable.
    """
    module, colon, attribute = name.partition(":")
    if not colon:
        raise UserError(f"{key}={name} is unknown: use one of {', '.join(known)}, or package.module:factory")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(f"{key}={name} can't be imported: {error}") from error
    if not callable(found):
        raise UserError(f"{key}={name} is not callable but {found!r}: name a function")
    return cast(Callable[..., Any], found)
