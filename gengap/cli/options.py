"""Parsing of every command's arguments: flags, and `key=value` pairs or overrides."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from gengap.errors import UserError

HELP = ("-h", "--help")


@dataclass(frozen=True)
class Typed:
    """A command's arguments: `flags` in their long form, and all other `words` in order."""

    command: str
    flags: frozenset[str]
    words: tuple[str, ...]

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


def read(command: str, arguments: Sequence[str], flags: Sequence[str] = ()) -> Typed:
    """Parse the arguments of a command.

    Args:
        command: the command's name, for error messages.
        arguments: the command line after it.
        flags: its flags besides --help, written "-m, --multirun" if there is a short form.

    Raises:
        UserError: an unknown flag.
    """
    names = {form: forms[-1] for forms in (HELP, *(f.split(", ") for f in flags)) for form in forms}
    found, words = set(), []
    for word in _with_their_values(arguments):
        if not word.startswith("-"):
            words.append(word)
        elif word in names:
            found.add(names[word])
        else:
            listed = ", ".join(dict.fromkeys(names.values()))
            raise UserError(f"unknown flag {word}: gengap {command} takes {listed}")
    return Typed(command, frozenset(found), tuple(words))


def _with_their_values(arguments: Sequence[str]) -> Iterator[str]:
    """The arguments, with `--cfg job` and `--cfg=job` joined into the single word `--cfg job`."""
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if name in ("-c", "--cfg"):
            yield f"{name} {value if equals else next(words, '')}".rstrip()
        else:
            yield word
