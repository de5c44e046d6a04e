"""Tab completion for every command, based on the shell functions that Hydra installs."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from gengap.cli import bench, landscape, plan, prepare, report, show, train
from gengap.cli.options import Spec
from gengap.config.checks import DEVICES, OPTIMIZERS, PRECISIONS
from gengap.config.conf import (
    ADDED,
    GROUPS,
    add_config_dirs,
    install_completion,
    names_in,
)
from gengap.config.keys import keys, path_keys
from gengap.errors import UserError
from gengap.landscape.settings import KINDS
from gengap.landscape.typed import names
from gengap.learning_rate import RULES
from gengap.paths import expanded

SHELLS = ("bash", "fish", "zsh")
_VALUES = {"precision": PRECISIONS, "method.lr_rule": tuple(RULES), "runtime.device": DEVICES}
_BOOLEAN = ("true", "false")


def complete(arguments: Sequence[str], commands: Sequence[str]) -> None:
    """Handle `gengap -sc install=SHELL`, uninstall=SHELL and query=SHELL, as Hydra's command line does.

    A query prints the candidates for the command line in the environment variable COMP_LINE.

    Raises:
        UserError: there are any other arguments.
    """
    if list(arguments) not in [[f"{what}={s}"] for what in ("install", "uninstall", "query") for s in SHELLS]:
        raise UserError(
            'gengap -sc takes install=SHELL for bash, fish or zsh: type eval "$(gengap -sc install=bash)"'
        )
    if not arguments[0].startswith("query="):
        install_completion(arguments)
        return
    _, *words = os.environ.get("COMP_LINE", "").split(" ")
    last = words[-1] if words else ""
    if len(words) < 2:
        offered: Iterable[str] = commands
    else:
        with suppress(UserError):  # the folder may not exist yet
            add_config_dirs(_after(train.CONFIG_DIR, words[:-1]))
        folders: list[str] = []
        with suppress(UserError, OSError, ValueError, RecursionError):  # the path may be unreadable
            folders += _paths(words[-2], last)
        offered = [*_values_after(words[-2]), *folders, *_as_typed(words_of(words[:-1]), last)]
    print(" ".join(w for w in offered if w.startswith(last)))


def words_of(before: Sequence[str]) -> Sequence[str]:
    """List completions after a command and its words: `key=value` if values are known, otherwise `key=`."""
    command = before[0]
    if command in ("train", "status"):
        launchers = (f"hydra/launcher={name}" for name in names_in("hydra/launcher"))
        words = [*_choices(GROUPS), *_key_words(), *launchers, "hydra.launcher."]
        return (*_flags(train.TRAIN if command == "train" else train.STATUS), *words)
    if command == "bench":
        known = {"precision": PRECISIONS} | {group: names_in(group) for group in ("workload", "method")}
        return (*_flags(bench.SPEC), *_with_values(bench.KEYS, known))
    if command == "plan":
        return (*_flags(plan.SPEC), *_with_values(plan.KEYS, {"optimizer": OPTIMIZERS}))
    if command == "landscape":
        return _landscape_words(before[1:])
    if command == "prepare":
        return (*_flags(prepare.SPEC), *prepare.DATA_SETS, *_with_values(prepare.KEYS, {}))
    return (*_flags(report.SPEC), *_with_values(report.KEYS, {})) if command == "report" else ()


def _landscape_words(before: Sequence[str]) -> Sequence[str]:
    """List the kinds or, after one of them, its settings and the keys of runs."""
    if not before:
        return ("--help", *KINDS)
    if before[0] not in KINDS:
        return ()
    settings = _with_values(names(before[0]), KINDS[before[0]]().choices())
    return (*_flags(landscape.spec(before[0])), *settings, *_choices(GROUPS), *_key_words())


def _as_typed(words: Iterable[str], typed: str) -> Iterator[str]:
    """Adapt words to what has been typed: groups without their plus, further values after a comma."""
    first, comma, _ = typed.rpartition(",")
    key = typed.partition("=")[0]
    for word in words:
        name, equals, value = word.partition("=")
        if equals and name == f"+{key}":
            name = key
        if comma and equals and value and name == key:
            yield f"{first},{value}"
        else:
            yield f"{name}{equals}{value}"


def _after(flag: str, words: Sequence[str]) -> list[str]:
    """List the values given to a flag."""
    return [value for name, value in pairwise(words) if name == flag]


def _values_after(word: str) -> Sequence[str]:
    return {show.SHOW_CONFIG: show.PARTS, show.INFO: show.TOPICS}.get(word, ())


def _paths(before: str, word: str) -> Iterator[str]:
    """Yield folders that complete the word, if a folder is expected there."""
    key, equals, start = word.partition("=")
    if before == train.CONFIG_DIR:
        key, equals, start = "", "", word
    elif not (equals and key in path_keys()):
        return
    for folder in sorted(Path().glob(f"{start}*/") if not start.startswith(("/", "~")) else _absolute(start)):
        yield f"{key}{equals}{folder}/"


def _absolute(start: str) -> Iterator[Path]:
    path = expanded(start)
    folder, stem = (path, "") if start.endswith("/") else (path.parent, path.name)
    return folder.glob(f"{stem}*/")


def _flags(spec: Spec) -> list[str]:
    """List the long form of each flag, and --help."""
    return ["--help", *(flag.split(", ")[-1] for flag in (*spec.flags, *spec.settings))]


def _with_values(keys: Iterable[str], known: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield `key=value` for each value if those of the key are known, otherwise `key=`."""
    yield from (f"{key}={value}" for key in keys for value in known.get(key, ("",)))


def _choices(groups: Sequence[str]) -> Iterator[str]:
    for group in groups:
        plus = "+" if group in ADDED else ""
        yield from (f"{plus}{group}={name}" for name in names_in(group))


def _key_words() -> Iterator[str]:
    for key, kind in keys().items():
        values = _VALUES.get(key, _BOOLEAN if kind in (bool, bool | None) else ("",))
        yield from (f"{key}={value}" for value in values)
