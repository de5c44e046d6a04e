"""The words after `gengap train` and `gengap status`, sorted."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gengap.errors import UserError

LAUNCHER = ("hydra/launcher=", "hydra.launcher.")


@dataclass
class Options:
    """The command line in its parts."""

    multirun: bool = False
    show_config: bool = False
    launcher: list[str] = field(default_factory=list)  # hydra/launcher=NAME and the launcher's own keys
    overrides: list[str] = field(default_factory=list)


def read_options(arguments: Sequence[str]) -> Options:
    """Sort flags, the launcher's settings and overrides.

    Raises:
        UserError: there is no such flag.
    """
    options, words = Options(), list(arguments)
    while words:
        word = words.pop(0)
        if word in ("-m", "--multirun"):
            options.multirun = True
        elif word in ("-c", "--cfg") and words[:1] == ["job"]:
            words.pop(0)
            options.show_config = True
        elif word.startswith("-"):
            raise UserError(f"gengap train can't use {word}: its flags are -m, --cfg job and --help")
        elif word.startswith(LAUNCHER):
            options.launcher.append(word)
        else:
            options.overrides.append(word)
    return options
