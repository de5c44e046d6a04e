"""Paths as typed: only a leading ~ and environment variables have a special meaning in them."""

import os
import re
from pathlib import Path

from gengap.errors import UserError, is_control

LONGEST_NAME = 255  # most bytes in a file name on all common file systems

_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([^{}]*)\})")


def expanded(path: str | Path) -> Path:
    """Expand a path: ~ and ~user at its start, $NAME and ${NAME} anywhere.

    Raises:
        UserError: as for `expanded_text`.
    """
    found = Path(expanded_text(str(path)))
    return found.absolute() if str(found).startswith("~") else found  # from ./~x, which doesn't mean a home


def expanded_text(text: str) -> str:
    """Like `expanded`, but return text; expanding it again changes nothing.

    Raises:
        UserError: a variable or home is not set, or no file system would accept the result.
    """
    found = os.path.expanduser(_VARIABLE.sub(lambda match: _value(text, match), text))  # noqa: PTH111
    if found == "~" or found.startswith("~/"):
        raise UserError(f"{text}: this user has no home: set HOME, or type a path without ~")
    if found.startswith("~"):
        raise UserError(f"{text}: there is no home of {found.partition('/')[0]}: type ./{text} for a folder")
    if "${" in found or _VARIABLE.search(found):
        raise UserError(f"{text} means {found}, whose $ can't be part of a path: rename the folder")
    problem = unusable(found)
    if problem:
        raise UserError(f"{text!r} is no path: it {problem}")
    return found


def _value(text: str, match: re.Match[str]) -> str:
    name = match[1] or match[2]
    if not os.environ.get(name):
        raise UserError(f"{text}: the environment variable {name} is not set")
    return os.environ[name]


def unusable(path: str) -> str:
    """Explain why no file system would accept a path, as the rest of a sentence; empty if one might."""
    if any(map(is_control, path)):
        return "contains control characters, or bytes that are no text"
    longest = max(len(name.encode()) for name in path.split("/"))
    if longest > LONGEST_NAME:
        return f"has a name of {longest} bytes: at most {LONGEST_NAME} are allowed"
    return ""
