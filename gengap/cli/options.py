"""Parsing of every command's arguments: flags, and `key=value` pairs or overrides."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from gengap.errors import UserError

HELP = ("-h", "--help")


@dataclass(frozen=True)
class Typed:
    """A command's arguments: `flags` in their long form, their `settings`, and all other `words` in order.

    settings: for flags that take a value, the values given, in order.
    """

    command: str
    flags: frozenset[str]
    words: tuple[str, ...]
    settings: Mapping[str, tuple[str, ...]]

    @property
    def asks_for_help(self) -> bool:
        """Whether -h or --help is among the flags."""
        return "--help" in self.flags

    def values(self, keys: Collection[str]) -> dict[str, str]:
        """The words as a map from key to value; of a repeated key, the last value counts.

        Raises:
            UserError: an unknown key, or an empty value.
        """
        found = {}
        for word in self.words:
            key, _, value = word.partition("=")
            if key not in keys:
                near = get_close_matches(key, keys, n=1)
                advice = f"did you mean {near[0]}=VALUE?" if near else f"type gengap {self.command} --help"
                raise UserError(f"unknown argument {word}: {advice}")
            if not value:
                raise UserError(f"{key} has no value: type {key}=VALUE")
            found[key] = value
        return found


def read(
    command: str, arguments: Sequence[str], flags: Sequence[str] = (), settings: Sequence[str] = ()
) -> Typed:
    """Parse the arguments of a command.

    Args:
        command: the command's name, for error messages.
        arguments: the command line after it.
        flags: its flags besides --help, written "-m, --multirun" if there is a short form.
        settings: its flags that take a value, likewise: `--cfg job` or `--cfg=job`.

    Raises:
        UserError: an unknown flag, or one without its value.
    """
    names = {form: forms[-1] for forms in (HELP, *(f.split(", ") for f in flags)) for form in forms}
    taking = {form: forms[-1] for forms in (f.split(", ") for f in settings) for form in forms}
    found: set[str] = set()
    words: list[str] = []
    values: dict[str, tuple[str, ...]] = dict.fromkeys(taking.values(), ())
    left = iter(arguments)
    for word in left:
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            words.append(word)
        elif word in names:
            found.add(names[word])
        elif name in taking:
            value = value if equals else next(left, "")
            if not value:
                raise UserError(f"{name} has no value: type {name} VALUE")
            values[taking[name]] += (value,)
        else:
            listed = ", ".join(dict.fromkeys([*names.values(), *taking.values()]))
            raise UserError(f"unknown flag {word}: gengap {command} takes {listed}")
    return Typed(command, frozenset(found), tuple(words), values)
