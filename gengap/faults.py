"""Faults of the machine, such as a full disk, missing permissions or a removed folder, as one line."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from gengap.errors import UserError, printable

FULL = (errno.ENOSPC, errno.EDQUOT)
# Why a file can't be read that may be whole: permissions, too many open files, a server that is away
PASSING = tuple(
    getattr(errno, name)
    for name in (
        "EACCES",
        "EPERM",
        "EMFILE",
        "ENFILE",
        "ENOMEM",
        "ESTALE",
        "ETIMEDOUT",
        "ENOTCONN",
    )
    if hasattr(errno, name)
)
_ADVICE = {
    FULL: "free some space",
    (errno.EACCES, errno.EPERM): "give yourself the permission",
    (errno.EROFS,): "make it writable",
    (errno.ENOENT, errno.ENOTDIR): "put it back",
    (errno.EMFILE, errno.ENFILE): "allow more open files (ulimit -n)",
    (errno.ENAMETOOLONG,): "choose a shorter path",
    (errno.EFBIG,): "allow larger files (ulimit -f)",
    (errno.ENOMEM,): "free some memory",
}
_OTHERWISE = "check the disk, or the network that it is on"


class MachineError(UserError):
    """The state of the machine ended a command; when that is mended, the same command goes on.

    Args:
        text: the line shown.
        everywhere: what every other run of the command would meet too; empty if it may go well.
    """

    def __init__(self, text: str, everywhere: str = "") -> None:
        self.everywhere = everywhere
        super().__init__(text)


def machine_error(error: OSError, place: str | os.PathLike[str]) -> MachineError:
    """An error of the operating system, in a line with what to do.

    Args:
        error: it.
        place: named where the error names no file.
    """
    where = printable(error.filename if isinstance(error.filename, str | os.PathLike) else place)
    advice = next((words for codes, words in _ADVICE.items() if error.errno in codes), _OTHERWISE)
    text = f"{where}: {reason(error)}; {advice}, then run the same command again"
    return MachineError(text, reason(error) if error.errno in (*FULL, errno.EROFS) else "")


def is_of_machine(error: BaseException) -> bool:
    """Whether the operating system raised it, and not a library that uses OSError for its own purposes."""
    return isinstance(error, OSError) and error.errno is not None and not isinstance(error, BrokenPipeError)


def reason(error: OSError) -> str:
    """What the operating system says, without the file."""
    return error.strerror or str(error) or type(error).__name__


@contextmanager
def naming(file: str | os.PathLike[str]) -> Iterator[None]:
    """Give an OSError in the block, such as that of a write to a full disk, the name of the file."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = os.fspath(file)
        raise
