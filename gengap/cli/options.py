"""The words after a command: flags, and `key=value` pairs or overrides. Every command reads them here."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from gengap.errors import UserError

HELP = ("-h", "--help")


@dataclass(frozen=True)
class Typed:
    """The words after a command, sorted.

    flags: as listed by the command, however they were abbreviated. words: all others, in their order.
    """

    command: str
    flags: frozenset[str]
    words: tuple[str, ...]

    @property
    def asks_for_help(self) -> bool:
        """Whether -h or --help is among them."""
        return "--help" in self.flags

    def values(self, keys: Collection[str]) -> dict[str, str]:
        """The words as values by key; the last of a repeated key counts.

        Raises:
            UserError: a word has another key, or no value.
        """
        found = {}
        for word in self.words:
            key, _, value = word.partition("=")
            if key not in keys:
                near = get_close_matches(key, keys, n=1)
                advice = f"did you mean {near[0]}=VALUE?" if near else f"type gengap {self.command} --help"
                raise UserError(f"gengap {self.command} takes no {word}: {advice}")
            if not value:
                raise UserError(f"{key} has no value: type {key}=VALUE")
            found[key] = value
        return found


def read(command: str, arguments: Sequence[str], flags: Sequence[str] = ()) -> Typed:
    """Sort the words after a command.

    Args:
        command: its name.
        arguments: what was typed after it.
        flags: those that it takes besides --help, as "-m, --multirun" where there is a short form.

    Raises:
        UserError: there is no such flag.
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
            raise UserError(f"gengap {command} has no flag {word}: it takes {listed}")
    return Typed(command, frozenset(found), tuple(words))


def _with_their_values(arguments: Sequence[str]) -> Iterator[str]:
    """The words, `--cfg job` and `--cfg=job` as the one word `--cfg job`."""
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if name in ("-c", "--cfg"):
            yield f"{name} {value if equals else next(words, '')}".rstrip()
        else:
            yield word
