"""An error of one rank, told to the others."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from gengap.errors import UserError
from gengap.faults import MachineError

T = TypeVar("T")
Told = tuple[bool, str]  # whether the machine is to blame, and the text


def tried(act: Callable[[], T]) -> tuple[T | None, Exception | None]:
    """What `act` returns, or the error that it raises."""
    try:
        return act(), None
    except Exception as error:
        return None, error


def described(error: Exception | None) -> Told | None:
    """An error as the other ranks are told it."""
    if error is None:
        return None
    text = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    return isinstance(error, MachineError | OSError), text


def raise_any(own: Exception | None, told: Mapping[int, Told | None]) -> None:
    """Raise this rank's own error if it has one, else the first that it was told, by rank.

    Raises:
        UserError: the error of another rank; a MachineError if it was one.
    """
    if own is not None:
        raise own
    for rank, error in told.items():
        if error is not None:
            is_of_machine, text = error
            raise (MachineError if is_of_machine else UserError)(f"rank {rank}: {text}")
