"""What a run leaves that ended badly: an error that says what to type, and no folder without a record."""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import torch

from gengap.errors import FaultError, UserError, printable
from gengap.faults import FULL, MachineError, is_of_machine, is_of_memory, machine_error, reason
from gengap.launch.outcome import Outcome, after
from gengap.runs.claim import remove_claims
from gengap.runs.record import LOCK, LOG, has_record
from gengap.training.build import LESS_MEMORY

# What torch says of a process that decodes images
_KILLED = re.compile(r"DataLoader worker \(pid(?:\(s\))? [\d, ]+\) (?:is killed by signal: (\w+)|exited)")


class RunFailedError(UserError):
    """A run did not end well; the error that ended it is the cause.

    Args:
        text: the line shown.
        outcome: FAILED or REFUSED, or INTERRUPTED where the record says that it goes on.
        everywhere: why every other run of the command would meet it too; empty if that is not so.
    """

    def __init__(self, text: str, outcome: Outcome = Outcome.FAILED, everywhere: str = "") -> None:
        self.outcome = outcome
        self.everywhere = everywhere
        super().__init__(text)


def as_user_error(error: Exception, directory: Path, less_memory: str = LESS_MEMORY) -> Exception:
    """Turn a fault of the machine, and full memory, into a UserError; return any other error unchanged.

    Args:
        error: what ended the work.
        directory: where it wrote.
        less_memory: what to type where memory is full.
    """
    while isinstance(inner := getattr(error, "inner_exception", None), Exception):  # of torch.compile
        error = inner
    text = str(error)
    if isinstance(error, OSError) and is_of_machine(error):
        return machine_error(error, directory)
    if isinstance(error, torch.OutOfMemoryError):
        return FaultError(f"the GPU is out of memory: {less_memory}")
    if is_of_memory(error):
        return FaultError(f"the machine is out of memory: {less_memory}")
    if isinstance(error, RuntimeError) and (killed := _KILLED.search(text)):
        by = f" ({killed[1]})" if killed[1] else ""
        return MachineError(
            f"{directory}: a process that decodes images was killed{by}, as happens when memory runs out: "
            "run the same command again, with a lower runtime.workers if it happens again"
        )
    return error


def cant_open(error: OSError, directory: Path) -> MachineError:
    """The error for a run's directory that can't be made, locked or written to."""
    if error.errno in FULL:
        return machine_error(error, directory)
    where = Path(error.filename or directory)
    return MachineError(
        f"can't write to {printable(where)} ({reason(error)}): set results_dir=DIR to a writable folder",
        everywhere="" if _takes_folders(directory.parents[1]) else reason(error),
    )


def _takes_folders(runs: Path) -> bool:
    """Whether other runs may find a place in the folder of all."""
    return os.access(runs, os.W_OK | os.X_OK) and runs.is_dir()


def failed(error: Exception, directory: Path, *, goes_on: bool = False) -> RunFailedError:
    """What is raised for a run that ended with `error`."""
    outcome = Outcome.INTERRUPTED if goes_on else after(error)
    if isinstance(error, UserError):
        everywhere = error.everywhere if isinstance(error, MachineError) else ""
        return RunFailedError(str(error), outcome, everywhere)
    return RunFailedError(f"{directory} failed: {type(error).__name__}: {error}", outcome)


def remove_empty(directory: Path, created: Sequence[Path]) -> None:
    """Remove a run's directory, and the parents that were created for it, unless it has a record."""
    if has_record(directory):
        return
    with suppress(OSError):  # the folder may not be changed
        remove_claims(directory)
    for name in (LOG, LOCK):
        with suppress(OSError):  # it is not there, or the folder may not be changed
            (directory / name).unlink()
    for folder in created:
        with suppress(OSError):  # not empty: another run uses it by now
            folder.rmdir()
