"""Parse every command's arguments: flags, and `key=value` pairs or overrides."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from gengap.errors import UserError, either

HELP = ("-h", "--help")


@dataclass(frozen=True)
class Typed:
    """A command's arguments: `flags` in long form, their `settings`, and all other `words` in order.

    settings holds, for flags that take a value, the values given, in order.
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
        """Convert the words to a map from key to value.

        Raises:
            UserError: a key is unknown or repeated, or a value empty.
        """
        found: dict[str, str] = {}
        for word in self.words:
            key, _, value = word.partition("=")
            if key not in keys:
                near = get_close_matches(key, keys, n=1)
                advice = f"did you mean {near[0]}=VALUE?" if near else f"type gengap {self.command} --help"
                if len(keys) == 1 and "=" not in word:
                    advice = f"did you mean {next(iter(keys))}={word}?"
                raise UserError(f"unknown argument {word}: {advice}")
            if not value:
                raise UserError(f"{key} has no value: type {key}=VALUE")
            if found.setdefault(key, value) != value:
                raise UserError(f"{key} is given twice, {key}={found[key]} and {word}: leave one out")
        return found


@dataclass(frozen=True)
class Spec:
    """Specification of a command's arguments.

    Flags are written "-m, --multirun" if they have a short form.

    Attributes:
        command: name of the command.
        flags: flags other than --help.
        settings: flags that take a value, as in `--cfg job` or `--cfg=job`, with the allowed values; empty if
            any value is allowed.
        refused: flags of other programs or commands that users may type, with what to do instead.
        keys: keys of words, as they are typed.
        bare: value of a flag in `settings` that is typed without one.
    """

    command: str
    flags: Sequence[str] = ()
    settings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    keys: Sequence[str] = ()
    bare: Mapping[str, str] = field(default_factory=dict)


def read(spec: Spec, arguments: Sequence[str]) -> Typed:
    """Parse the arguments that follow a command's name.

    Raises:
        UserError: a flag is unknown or lacks its value.
    """
    names = _by_form(dict.fromkeys((", ".join(HELP), *spec.flags)))
    taking, refused = _by_form(spec.settings), _by_form(spec.refused)
    found: set[str] = set()
    words: list[str] = []
    values: dict[str, tuple[str, ...]] = {name: () for name, _ in taking.values()}
    left = list(arguments)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if word == "help":
            raise UserError(f"help is not key=value: type gengap {spec.command} --help")
        if not word.startswith("-"):
            words.append(word)
        elif word in names:
            found.add(names[word][0])
        elif name in taking:
            flag, choices = taking[name]
            if not equals:
                value, left = _following(left, spec.bare.get(flag, ""))
            _check_setting(name, value, choices)
            if choices and set(values[flag]) - {value}:
                raise UserError(f"{flag} is given twice, as {values[flag][0]} and {value}: leave one out")
            values[flag] += (value,)
        elif name in names:
            raise UserError(f"{name} takes no value: type {name}")
        elif name in refused:
            raise UserError(f"{name} is not a flag of gengap {spec.command}: {refused[name][1]}")
        else:
            raise UserError(f"unknown flag {name}: {_meant(spec, name, value or ''.join(left[:1]))}")
    return Typed(spec.command, frozenset(found), tuple(words), values)


def _following(words: list[str], bare: str) -> tuple[str, list[str]]:
    """Return the value after a flag (`bare` if an override or flag follows) and the remaining words."""
    if bare and (not words or "=" in words[0] or words[0].startswith("-")):
        return bare, words
    return "".join(words[:1]), words[1:]


def _by_form(flags: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """Map each form of a flag to its long form and to the flag's value in the mapping."""
    return {form: (flag.split(", ")[-1], to) for flag, to in flags.items() for form in flag.split(", ")}


def _check_setting(name: str, value: str, choices: Sequence[str]) -> None:
    typed = [f"{name} {choice}" for choice in choices] or [f"{name} VALUE"]
    if not value or (choices and value not in choices):
        wrong = f"{name} {value} is unknown" if value else f"{name} has no value"
        raise UserError(f"{wrong}: type {either(typed)}")


def _meant(spec: Spec, name: str, value: str) -> str:
    """Suggest what an unknown flag was meant to be: a key or another flag; otherwise list all of them."""
    key = name.lstrip("-").replace("-", "_")
    value = value if value and "=" not in value and not value.startswith("-") else "VALUE"
    short = {known: known.lstrip("+").rpartition(".")[2] for known in spec.keys}
    whole = [k for k in spec.keys if k.lstrip("+") in (key, f"{key}.name")][:1]
    same = whole or [k for k in spec.keys if short[k] == key]
    if same:
        return f"type {either([f'{k}={value}' for k in same])}"
    flags = [flag.split(", ")[-1] for flag in (", ".join(HELP), *spec.flags, *spec.settings)]
    near = get_close_matches(name.lstrip("-"), [flag.lstrip("-") for flag in flags], n=1)
    if near:
        return f"did you mean --{near[0]}?"
    likely = get_close_matches(key, list(short.values()), n=1, cutoff=0.8)
    if likely:
        return f"did you mean {either([f'{k}={value}' for k in spec.keys if short[k] == likely[0]])}?"
    return f"gengap {spec.command} takes {', '.join(flags)}"
