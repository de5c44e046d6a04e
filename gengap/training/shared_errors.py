"""An error of one rank, told to the others, and the loss of one that can't tell."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from gengap.errors import MISTAKE, FaultError, UserError, exit_code
from gengap.faults import MachineError

T = TypeVar("T")
Told = tuple[str, str]  # one of KINDS, and the text
KINDS: Mapping[str, type[UserError]] = {"mistake": UserError, "machine": MachineError, "fault": FaultError}


class LostRankError(MachineError):
    """A rank has ended or does not answer, so the others can't go on."""


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
    if exit_code(error) == MISTAKE:
        return "mistake", text
    return "machine" if isinstance(error, MachineError | OSError) else "fault", text


def raise_any(own: Exception | None, told: Mapping[int, Told | None]) -> None:
    """Raise this rank's own error if it has one, else the first that it was told, by rank.

    Raises:
        UserError: the error of another rank; a MachineError if it was one.
    """
    if own is not None:
        raise own
    for rank, error in told.items():
        if error is not None:
            kind, text = error
            raise KINDS[kind](f"rank {rank}: {text}")
