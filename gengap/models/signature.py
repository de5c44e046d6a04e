"""Work out how to call a network's factory: which of its arguments is the number of classes."""

import inspect
from collections.abc import Callable, Collection, Mapping
from inspect import Parameter
from typing import Any

from torch import nn

from gengap.errors import UserError

NUM_CLASSES = "num_classes"
_BY_KEYWORD = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
_INTEGER = (Parameter.empty, int, "int")  # annotations that allow an argument to be the number of classes


def call(
    name: str, factory: Callable[..., nn.Module], num_classes: int, options: Mapping[str, Any]
) -> nn.Module:
    """Build a network, passing the number of classes by keyword wherever possible.

    Args:
        name: name of the network, for error messages.
        factory: function that returns the network.
        num_classes: number of logits per image.
        options: further keyword arguments of the factory.

    Raises:
        UserError: it is unclear which of the factory's arguments is the number of classes.
        TypeError: the factory does not take these arguments.
    """
    argument = classes_argument(name, factory, options)
    if argument.kind is Parameter.POSITIONAL_ONLY:
        return factory(num_classes, **options)
    return factory(**{argument.name: num_classes}, **options)


def classes_argument(name: str, factory: Callable[..., nn.Module], options: Collection[str]) -> Parameter:
    """Find the argument that takes the number of classes.

    It is the one named num_classes; otherwise the only one that has no default and is not in `options`;
    otherwise num_classes passed through the factory's `**kwargs`, as in torchvision's factories.

    Raises:
        UserError: there is no such argument.
    """
    arguments = parameters(name, factory)
    first = next(iter(arguments.values()), None)
    named = arguments.get(NUM_CLASSES)
    if named is not None and _can_be_given(named, first):
        return named
    variadic = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    required = (p for p in arguments.values() if p.default is p.empty and p.kind not in variadic)
    missing = [p for p in required if p.name not in options]
    if len(missing) == 1 and missing[0].annotation in _INTEGER and _can_be_given(missing[0], first):
        return missing[0]
    if not missing and takes_any(arguments):
        return Parameter(NUM_CLASSES, Parameter.KEYWORD_ONLY)
    taken = ", ".join(map(str, arguments.values()))
    if not taken:
        raise UserError(
            f"model.name={name} takes no arguments: let it take {NUM_CLASSES}, the number of logits per image"
        )
    raise UserError(
        f"model.name={name}: it is unclear which of its arguments ({taken}) is the number of classes: "
        f"name it {NUM_CLASSES}"
    )


def _can_be_given(argument: Parameter, first: Parameter | None) -> bool:
    return argument.kind in _BY_KEYWORD or (argument.kind is Parameter.POSITIONAL_ONLY and argument is first)


def parameters(name: str, factory: Callable[..., nn.Module]) -> Mapping[str, Parameter]:
    """Arguments of a factory, keyed by name.

    Raises:
        UserError: its signature can't be inspected.
    """
    try:
        return inspect.signature(factory).parameters
    except (TypeError, ValueError) as error:
        raise UserError(f"model.name={name} can't be called as a network's factory: {error}") from error


def keywords(arguments: Mapping[str, Parameter]) -> list[str]:
    """Names of the arguments that can be passed by keyword."""
    return [p.name for p in arguments.values() if p.kind in _BY_KEYWORD]


def takes_any(arguments: Mapping[str, Parameter]) -> bool:
    """Whether a factory with these arguments accepts arbitrary others by keyword (`**kwargs`)."""
    return any(p.kind is p.VAR_KEYWORD for p in arguments.values())
