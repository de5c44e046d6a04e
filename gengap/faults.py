"""Faults of the machine, such as a full disk, missing permissions or a removed folder, as one line."""

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gengap.errors import FaultError, UnreadableError, printable

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
# Of torch's allocator on the CPU, of the system, and of the loader of a library such as torch
_REFUSED = re.compile("can't allocate memory|Cannot allocate memory|failed to map segment from shared object")
_OTHERWISE = "check the disk, or the network that it is on"


class MachineError(FaultError):
    """The state of the machine ended a command; when that is mended, the same command goes on.

    Args:
        text: the line shown.
        everywhere: what every other run of the command would meet too; empty if it may go well.
    """

    def __init__(self, text: str, everywhere: str = "") -> None:
        self.everywhere = everywhere
        super().__init__(text)


class NotAFileError(UnreadableError, MachineError):
    """Something else is where a file is expected; once it is removed, the same command goes on."""


_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check_is_file(path: Path) -> bool:
    """Whether a regular file, or a link to one, is there; to be asked before it is opened.

    Opening a named pipe would wait for ever, and a device may have no end.

    Raises:
        NotAFileError: something else is there, or a link that leads nowhere.
        OSError: that can't be seen.
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


def is_of_memory(error: BaseException) -> bool:
    """Whether memory was refused, to Python, to torch on the CPU, or to a library that is imported."""
    is_told = isinstance(error, RuntimeError | ImportError) and bool(_REFUSED.search(str(error)))
    return isinstance(error, MemoryError) or is_told


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
