"""Tab completion of every command, on top of the shell functions that Hydra installs."""

import os
from collections.abc import Iterator, Sequence

from gengap.cli import plan, report, train
from gengap.config.checks import DEVICES, PRECISIONS
from gengap.config.conf import ADDED, GROUPS, install_completion, names_in
from gengap.config.overrides import keys
from gengap.errors import UserError
from gengap.learning_rate import RULES
from gengap.plan.question import OPTIONAL, REQUIRED

SHELLS = ("bash", "fish", "zsh")
_VALUES = {"precision": PRECISIONS, "method.lr_rule": tuple(RULES), "runtime.device": DEVICES}
_BOOLEAN = ("true", "false")


def complete(arguments: Sequence[str], commands: Sequence[str]) -> None:
    """Handle `gengap -sc install=SHELL`, uninstall=SHELL and query=SHELL, as Hydra's command line does.

    A query prints the candidates for the command line in the environment variable COMP_LINE.

    Raises:
        UserError: any other arguments.
    """
    if list(arguments) not in [[f"{what}={s}"] for what in ("install", "uninstall", "query") for s in SHELLS]:
        raise UserError(
            'gengap -sc takes install=SHELL for bash, fish or zsh: type eval "$(gengap -sc install=bash)"'
        )
    if not arguments[0].startswith("query="):
        install_completion(arguments)
        return
    _, *words = os.environ.get("COMP_LINE", "").split(" ")
    offered = commands if len(words) < 2 else words_of(words[0])
    last = words[-1] if words else ""
    print(" ".join(w for w in offered if w.startswith(last)))


def words_of(command: str) -> Sequence[str]:
    """Every completion for a command: `key=value` where the values are known, else `key=`."""
    if command in ("train", "status"):
        words = [*_choices(GROUPS), *_key_words(), *train.LAUNCHER]
        return (*_flags(train.FLAGS if command == "train" else ()), *words)
    if command == "bench":
        precisions = (f"precision={p}" for p in PRECISIONS)
        return (*_flags(()), *_choices(("workload", "method")), *precisions, "rounds=", "results_dir=")
    if command == "plan":
        return (*_flags(plan.FLAGS), *(f"{key}=" for key in (*REQUIRED, *OPTIONAL)))
    return (*_flags(report.FLAGS), *(f"{key}=" for key in report.KEYS)) if command == "report" else ()


def _flags(flags: Sequence[str]) -> list[str]:
    """The long form of each flag, and --help."""
    return ["--help", *(flag.split(", ")[-1].split(" ")[0] for flag in flags)]


def _choices(groups: Sequence[str]) -> Iterator[str]:
    for group in groups:
        plus = "+" if group in ADDED else ""
        yield from (f"{plus}{group}={name}" for name in names_in(group))


def _key_words() -> Iterator[str]:
    for key, kind in keys().items():
        values = _VALUES.get(key, _BOOLEAN if kind in (bool, bool | None) else ("",))
        yield from (f"{key}={value}" for value in values)
