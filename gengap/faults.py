"""Report faults of the machine in one line: a full disk, missing permissions, a removed folder, ..."""

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gengap.errors import FaultError, UnreadableError, printable

FULL = (errno.ENOSPC, errno.EDQUOT)
# Reasons why an intact file can't be read: permissions, too many open files, an unreachable server
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
# Messages of torch's CPU allocator, of the system, and of the loader of a library such as torch
_REFUSED = re.compile("can't allocate memory|Cannot allocate memory|failed to map segment from shared object")
_OTHERWISE = "check the disk, or the network that it is on"


class MachineError(FaultError):
    """The state of the machine ended a command; once that is fixed, the same command can go on.

    Args:
        text: line to show.
        everywhere: fault that every other run of the command would meet, too; empty if others may succeed.
    """

    def __init__(self, text: str, everywhere: str = "") -> None:
        self.everywhere = everywhere
        super().__init__(text)


class NotAFileError(UnreadableError, MachineError):
    """Something other than a file is where a file is expected; once it is removed, the command can go on."""


_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check_is_file(path: Path) -> bool:
    """Whether there is a regular file, or a link to one; to be checked before opening it.

    Opening a named pipe would block forever, and a device may be endless.

    Raises:
        NotAFileError: something else is there, or a broken link.
        OSError: the path can't be examined.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        if not path.is_symlink():
            return False
        found = "is a link to nothing: put back what it leads to, or remove it"
        raise NotAFileError(path, found) from error
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise NotAFileError(path, f"is {kind}, not a file: remove it, or put back the file of this name")
    return True


def machine_error(error: OSError, place: str | os.PathLike[str]) -> MachineError:
    """Convert an error of the operating system to a line with advice.

    Args:
        error: error to convert.
        place: path to name if the error names no file.
    """
    where = printable(error.filename if isinstance(error.filename, str | os.PathLike) else place)
    advice = next((words for codes, words in _ADVICE.items() if error.errno in codes), _OTHERWISE)
    text = f"{where}: {reason(error)}; {advice}, then run the same command again"
    return MachineError(text, reason(error) if error.errno in (*FULL, errno.EROFS) else "")


def is_of_machine(error: BaseException) -> bool:
    """Whether the operating system raised the error, not a library using OSError for its own purposes."""
    return isinstance(error, OSError) and error.errno is not None and not isinstance(error, BrokenPipeError)


def is_of_memory(error: BaseException) -> bool:
    """Whether memory ran out in Python, in torch on the CPU, or in importing a library."""
    is_told = isinstance(error, RuntimeError | ImportError) and bool(_REFUSED.search(str(error)))
    return isinstance(error, MemoryError) or is_told


def reason(error: OSError) -> str:
    """The operating system's message, without the file."""
    return error.strerror or str(error) or type(error).__name__


@contextmanager
def naming(file: str | os.PathLike[str]) -> Iterator[None]:
    """Add the file's name to an OSError inside the block, such as one from writing to a full disk."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = os.fspath(file)
        raise
