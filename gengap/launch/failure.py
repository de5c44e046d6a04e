"""What a failed run leaves: an error that says what to type, and no folder without a record."""

import errno
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import torch

from gengap.errors import UserError
from gengap.runs.record import LOCK, LOG, RECORD
from gengap.training.build import LESS_MEMORY

_REFUSED = "can't allocate memory"  # of torch's allocator on the CPU


class RunFailedError(UserError):
    """A run failed; the error that ended it is the cause."""


def as_user_error(error: Exception, directory: Path, less_memory: str = LESS_MEMORY) -> Exception:
    """Turn a full disk and full memory into a UserError; return any other error unchanged.

    Args:
        error: what ended the work.
        directory: where it wrote.
        less_memory: what to type where memory is full.
    """
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        place = error.filename or directory
        return UserError(f"{place}: {error.strerror}; free some space, then run the same command again")
    if isinstance(error, torch.OutOfMemoryError):
        return UserError(f"the GPU is out of memory: {less_memory}")
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _REFUSED in str(error)):
        return UserError(f"the machine is out of memory: {less_memory}")
    return error


def failed(error: Exception, directory: Path) -> RunFailedError:
    """What is raised for a run that ended with `error`."""
    if isinstance(error, UserError):
        return RunFailedError(str(error))
    return RunFailedError(f"{directory} failed: {type(error).__name__}: {error}")


def remove_empty(directory: Path, created: Sequence[Path]) -> None:
    """Remove a run's directory, and the parents that were created for it, unless it has a record."""
    if (directory / RECORD).exists():
        return
    for name in (LOG, LOCK):
        (directory / name).unlink(missing_ok=True)
    for folder in created:
        with suppress(OSError):  # not empty: another run uses it by now
            folder.rmdir()
