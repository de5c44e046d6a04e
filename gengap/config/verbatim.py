"""Texts on the command line, quoted so that Hydra's grammar sees no numbers, lists or functions in them."""

import re

from gengap.config.conf import quoted
from gengap.config.keys import keys, path_keys
from gengap.errors import UserError
from gengap.paths import expanded_text

# What Hydra's grammar takes for a number, a boolean or null
_NOT_A_TEXT = re.compile(
    r"[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(e[+-]?\d[\d_]*)?|[+-]?(inf|nan)|true|false|null", re.IGNORECASE
)
_UNKNOWN = re.compile(r"[^\w $/\\+.%*@?|:=,-]", re.ASCII)  # characters that it does not take outside quotes
_SYNTAX = set("[]{}()'\"\\")


def verbatim(word: str) -> str:
    """A word `key=value` for Hydra: a path expanded and in quotes, other texts in quotes if needed.

    A path is one path: commas in it separate nothing, with -m as without. Other texts may be several, in
    quotes of Hydra's or functions such as choice(a,b).

    Raises:
        UserError: the path has an environment variable that is not set, or characters of no path.
    """
    typed, equals, value = word.partition("=")
    key = typed.lstrip("+")
    if not equals or keys().get(key) is not str:
        return word
    if key in path_keys():
        try:
            return f"{typed}={quoted(expanded_text(value))}"
        except UserError as error:
            raise UserError(f"{key}={error}") from error
    parts = [part.strip() for part in value.split(",")]
    if not _SYNTAX & set(value) and (_UNKNOWN.search(value) or any(map(_NOT_A_TEXT.fullmatch, parts))):
        return f"{typed}={','.join(map(quoted, parts))}"
    return word
