"""Quote text on the command line so that Hydra's grammar sees no numbers, lists or functions in it."""

import re

from gengap.config.conf import quoted
from gengap.config.keys import keys, path_keys
from gengap.errors import UserError
from gengap.paths import expanded_text

# What Hydra's grammar reads as a number, a boolean or null
_NOT_A_TEXT = re.compile(
    r"[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(e[+-]?\d[\d_]*)?|[+-]?(inf|nan)|true|false|null", re.IGNORECASE
)
_UNKNOWN = re.compile(r"[^\w $/\\+.%*@?|:=,-]", re.ASCII)  # characters it does not accept outside quotes
_SYNTAX = set("[]{}()'\"\\")


def verbatim(word: str) -> str:
    """Prepare a word `key=value` for Hydra: paths are expanded and quoted, other text quoted if needed.

    A path is always a single path: commas don't separate values in it, with or without -m. Other text may be
    several values, in Hydra's quotes or in functions such as choice(a,b).

    Raises:
        UserError: the path contains an environment variable that isn't set, or characters invalid in paths.
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
