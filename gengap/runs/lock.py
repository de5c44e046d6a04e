"""Locks that only one process can hold; some file systems don't support them."""

import errno
import logging
import warnings
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from gengap.runs.record import LOCK

log = logging.getLogger(__name__)

# Errors from network file systems without a lock manager; if flock is missing, filelock has a fallback
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)

PROBE = 0.2  # time to wait for a lock, in seconds; `is_locked` in another process holds it for an instant


class Lock:
    """A lock held inside a `with` block, or until the process is killed.

    On a file system without locks, the block is entered anyway.

    Raises, on entering the block:
        filelock.Timeout: another process holds the lock.
        OSError: the lock file can't be opened.

    Args:
        file: lock file, which is created if missing and left in place.
        guarded: what only one process may write, for a warning if there are no locks; None for no warning.
    """

    def __init__(self, file: Path, guarded: Path | None = None) -> None:
        self._guarded = guarded
        self._lock = FileLock(file, timeout=PROBE)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()

    def acquire(self) -> None:
        """Take the lock, as on entering the block."""
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
        """Release the lock, as on leaving the block."""
        self._lock.release()


def is_locked(directory: Path) -> bool:
    """Whether a process holds the lock of a run's directory; False if that can't be determined."""
    if not (directory / LOCK).exists():
        return False
    lock = FileLock(directory / LOCK, timeout=0)
    try:
        _acquire(lock)
    except Timeout:
        return True
    except OSError:  # a read-only folder, or a file system without locks
        return False
    lock.release()
    return False


def _acquire(lock: FileLock) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about the fallback for flock
        lock.acquire()
