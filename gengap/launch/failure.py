"""After a failed run: raise an error that says what to type, and leave no folder without a record."""

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

# torch's message when a process that decodes images dies
_KILLED = re.compile(r"DataLoader worker \(pid(?:\(s\))? [\d, ]+\) (?:is killed by signal: (\w+)|exited)")


class RunFailedError(UserError):
    """A run ended with an error, which is this exception's cause.

    Args:
        text: line to show.
        outcome: FAILED or REFUSED, or INTERRUPTED if, according to its record, the run can be resumed.
        everywhere: why every other run of the command would fail likewise; empty if they would not.
    """

    def __init__(self, text: str, outcome: Outcome = Outcome.FAILED, everywhere: str = "") -> None:
        self.outcome = outcome
        self.everywhere = everywhere
        super().__init__(text)


def as_user_error(error: Exception, directory: Path, less_memory: str = LESS_MEMORY) -> Exception:
    """Convert a fault of the machine, or lack of memory, to a UserError; return any other error unchanged.

    Args:
        error: error that ended the work.
        directory: directory being written to.
        less_memory: what to type if memory is full.
    """
    while isinstance(inner := getattr(error, "inner_exception", None), Exception):  # set by torch.compile
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
    """Create the error for a run's directory that can't be created, locked or written to."""
    if error.errno in FULL:
        return machine_error(error, directory)
    where = Path(error.filename or directory)
    return MachineError(
        f"can't write to {printable(where)} ({reason(error)}): set results_dir=DIR to a writable folder",
        everywhere="" if _takes_folders(directory.parents[1]) else reason(error),
    )


def _takes_folders(runs: Path) -> bool:
    """Whether other runs may be able to create their directories in the folder of all runs."""
    return os.access(runs, os.W_OK | os.X_OK) and runs.is_dir()


def failed(error: Exception, directory: Path, *, resumes: bool = False) -> RunFailedError:
    """Create the exception to raise for a run that ended with `error`."""
    outcome = Outcome.INTERRUPTED if resumes else after(error)
    if isinstance(error, UserError):
        everywhere = error.everywhere if isinstance(error, MachineError) else ""
        return RunFailedError(str(error), outcome, everywhere)
    return RunFailedError(f"{directory} failed: {type(error).__name__}: {error}", outcome)


def remove_empty(directory: Path, created: Sequence[Path]) -> None:
    """Remove a run's directory, and the parents created for it, unless it has a record."""
    if has_record(directory):
        return
    with suppress(OSError):  # the folder may not be changed
        remove_claims(directory)
    for name in (LOG, LOCK):
        with suppress(OSError):  # it is not there, or the folder may not be changed
            (directory / name).unlink()
    for folder in created:
        with suppress(OSError):  # not empty, because another run uses it by now
            folder.rmdir()
