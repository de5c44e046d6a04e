"""Errors that one rank reports to the others, and the loss of a rank that can't report."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from gengap.errors import MISTAKE, FaultError, UserError, exit_code
from gengap.faults import MachineError

T = TypeVar("T")
Told = tuple[str, str]  # a key of KINDS and the error's text
KINDS: Mapping[str, type[UserError]] = {"mistake": UserError, "machine": MachineError, "fault": FaultError}


class LostRankError(MachineError):
    """A rank has exited or does not respond, so the others can't go on."""


def tried(act: Callable[[], T]) -> tuple[T | None, Exception | None]:
    """Call `act`; return its result, or the error it raises."""
    try:
        return act(), None
    except Exception as error:
        return None, error


def described(error: Exception | None) -> Told | None:
    """Describe an error in the form sent to the other ranks."""
    if error is None:
        return None
    text = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    if exit_code(error) == MISTAKE:
        return "mistake", text
    return "machine" if isinstance(error, MachineError | OSError) else "fault", text


def raise_any(own: Exception | None, told: Mapping[int, Told | None]) -> None:
    """Raise this rank's own error if it has one, otherwise the error of the lowest rank that reported one.

    Raises:
        UserError: the error of another rank; a MachineError if it was one.
    """
    if own is not None:
        raise own
    for rank, error in told.items():
        if error is not None:
            kind, text = error
            raise KINDS[kind](f"rank {rank}: {text}")
