"""The lock of a run, also on file systems that have none."""

import errno
import fcntl
import os

import pytest
from filelock import FileLock, Timeout

from gengap.faults import NotAFileError
from gengap.runs.lock import Lock, is_locked
from gengap.runs.record import LOCK
from gengap.runs.store import Run


def test_one_process_at_a_time(tmp_path):
    with Run(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(Timeout), Run(tmp_path):
            pass
    assert not is_locked(tmp_path)


def test_a_process_that_only_asks_for_the_state_keeps_no_other_from_the_lock(tmp_path, monkeypatch):
    asking = FileLock(tmp_path / LOCK, timeout=0)
    asking.acquire()
    monkeypatch.setattr("time.sleep", lambda _: asking.release())  # it is done while the other waits
    with Lock(tmp_path / LOCK):
        assert is_locked(tmp_path)


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP], ids=errno.errorcode.get)
def test_a_file_system_without_locks_is_said_and_used(code, tmp_path, monkeypatch, caplog):
    """Of a run nothing is said: its claim takes the place of the lock."""

    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with Run(tmp_path) as run:
        run.truncate_metrics(0)
    assert caplog.records == []
    with Lock(tmp_path / LOCK, tmp_path):
        pass
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("gengap.")]
    assert line.startswith(f"{tmp_path}: its file system has no locks ({os.strerror(code)})")
    assert not is_locked(tmp_path)


def test_without_flock_a_file_is_the_lock(tmp_path, monkeypatch, recwarn):
    def missing(*_):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", missing)
    with Run(tmp_path) as run:
        run.truncate_metrics(0)
    assert len(recwarn) == 0


def test_a_lock_that_may_not_be_opened_is_an_error(tmp_path):
    (tmp_path / LOCK).mkdir()
    with pytest.raises(NotAFileError, match="run.lock is a directory"), Run(tmp_path):
        pass
