"""Locks that only one process may hold; some file systems have none."""

import errno
import logging
import warnings
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from gengap.runs.record import LOCK

log = logging.getLogger(__name__)

# Answers of network file systems without a lock manager; where flock is missing, filelock makes do
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


class Lock:
    """A lock that is held inside a `with` block, or until the process is killed.

    On a file system without locks the block is entered all the same.

    Raises, on entering the block:
        filelock.Timeout: another process holds it.
        OSError: it can't be opened.

    Args:
        file: made where it is missing, and left there.
        guarded: what only one process may write, for a warning where there are no locks; none if nothing else
            depends on them.
    """

    def __init__(self, file: Path, guarded: Path | None = None) -> None:
        self._guarded = guarded
        self._lock = FileLock(file, timeout=0)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()

    def acquire(self) -> None:
        """Enter the block."""
        try:
            _acquire(self._lock)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            if self._guarded is not None:
                log.warning(
                    "%s: its file system has no locks (%s): let no second command write it at the same time",
                    self._guarded,
                    error.strerror,
                )

    def release(self) -> None:
        """Leave the block."""
        self._lock.release()


def is_locked(directory: Path) -> bool:
    """Whether a process holds the lock of a run's directory; False where that can't be seen."""
    if not (directory / LOCK).exists():
        return False
    lock = FileLock(directory / LOCK, timeout=0)
    try:
        _acquire(lock)
    except Timeout:
        return True
    except OSError:  # a folder that may only be read, or a file system without locks
        return False
    lock.release()
    return False


def _acquire(lock: FileLock) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of the replacement for flock
        lock.acquire()
