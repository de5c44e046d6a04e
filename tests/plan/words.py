"""What the tests of `gengap plan` type: the command's own example, and changes to it."""

from collections.abc import Iterable

from gengap.plan.question import EXAMPLE

TYPED = EXAMPLE.split()[2:]


def values(arguments: Iterable[str]) -> dict[str, str]:
    """The arguments by key; the last of a repeated one counts."""
    return dict(argument.split("=", 1) for argument in arguments)


def replaced(arguments: Iterable[str], changes: Iterable[str]) -> list[str]:
    """The arguments with some values changed or added."""
    return [f"{key}={value}" for key, value in values([*arguments, *changes]).items()]
