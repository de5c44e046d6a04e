"""What a user names as `package.module:factory`: a network or a data set of their own."""

import importlib
from collections.abc import Callable, Iterable
from typing import Any, cast

from gengap.errors import UserError


def imported(key: str, name: str, known: Iterable[str]) -> Callable[..., Any]:
    """The callable that the configuration's `key` names.

    Args:
        key: the configuration key, for messages.
        name: `package.module:factory`.
        known: the short names that would have been understood instead, for messages.

    Raises:
        UserError: the name has no colon, or nothing callable can be imported by it.
    """
    module, colon, attribute = name.partition(":")
    if not colon:
        raise UserError(f"{key}={name} is unknown: use one of {', '.join(known)}, or package.module:factory")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(f"{key}={name} can't be imported: {error}") from error
    if not callable(found):
        raise UserError(f"{key}={name} is no function but {found!r}: name one that can be called")
    return cast(Callable[..., Any], found)
