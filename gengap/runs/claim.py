"""A file that says which process is training a run, for file systems whose locks have no effect.

Claims are numbered. A process takes a run by creating the file with the next number, which only one process
can do (by a hard link or O_EXCL, on all machines that share the folder), and gives it up by removing the
file. A claim is void once its process is found dead on the machine it ran on, or if it was not refreshed for
STALE seconds.
"""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from filelock import Timeout

from gengap.duration import in_words
from gengap.faults import MachineError
from gengap.runs.holder import Holder
from gengap.runs.record import LOCK

PREFIX, PART = "run.claim-", ".part"
BEAT = 20.0  # seconds between refreshes of the file's modification time
STALE = 300.0  # seconds without a refresh after which another machine may take the run


class ClaimedError(Timeout):
    """Another process holds the run; the text names it and says how long ago it was last seen."""

    def __init__(self, file: Path, text: str) -> None:
        super().__init__(os.fspath(file))
        self._text = text

    def __str__(self) -> str:
        return self._text


class Claim:
    """The claim on a run's directory, held inside a `with` block.

    Raises, on entering the block:
        ClaimedError: another process holds the claim.
        OSError: the file can't be created.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._own = Holder.this_process()
        self._file: Path | None = None
        self._ended = threading.Event()
        self._beating = threading.Thread(target=self._refresh, name="claim", daemon=True)

    def __enter__(self) -> Self:
        self._refuse(self._others())
        void = _claims(self._directory)
        self._file = self._directory / f"{PREFIX}{_number(void[-1]) + 1 if void else 1}"
        try:
            self._create(self._file)
        except FileExistsError as error:
            raise ClaimedError(self._file, "another process that has just begun") from error
        try:
            self._refuse(self._others())  # check again, for a process that saw an older state of the folder
        except ClaimedError:
            self._file.unlink(missing_ok=True)
            raise
        for file in (*void, *_left_behind(self._directory)):
            file.unlink(missing_ok=True)
        self._beating.start()
        return self

    def _create(self, claim: Path) -> None:
        """Create the file atomically with its content: one left empty by a kill would block all others."""
        part = self._directory / f"{PREFIX}{self._own.token}{PART}"
        try:
            part.write_text(self._own.written(), encoding="utf-8")
            os.link(part, claim)
        except FileExistsError:
            raise
        except OSError:  # no hard links on this file system, or a fault that the next line also runs into
            self._create_in_place(claim)
        finally:
            with suppress(OSError):
                part.unlink()

    def _create_in_place(self, claim: Path) -> None:
        with claim.open("x", encoding="utf-8") as file:
            try:
                file.write(self._own.written())
                file.flush()
            except OSError:  # a full disk
                claim.unlink()
                raise

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._beating.join()
        if self._file is not None and self._is_held():
            with suppress(OSError):  # if the folder is gone or read-only, the claim becomes stale
                self._file.unlink()

    def check(self) -> None:
        """Check, before every write, that this process still holds the claim.

        Raises:
            MachineError: another process took the run, because this one had not been seen for too long.
        """
        if self._file is not None and not self._is_held():
            raise MachineError(
                f"{self._directory}: another process took this run over, since this one was not seen for "
                f"{in_words(STALE)} (suspended, or its network away?): it goes on there"
            )

    def _is_held(self) -> bool:
        if self._file is None:
            return False
        try:
            return Holder.read(self._file) == self._own
        except FileNotFoundError:
            return not self._directory.exists()  # if the folder is gone, nobody took it; the write will fail
        except OSError:
            return True  # the network may be down, for example; the write will tell

    def _others(self) -> list[Path]:
        now = _now(self._directory)
        return [f for f in _claims(self._directory) if f != self._file and _is_live(f, now)]

    def _refuse(self, others: list[Path]) -> None:
        for file in others:
            raise ClaimedError(file, _said(file, _now(self._directory)))

    def _refresh(self) -> None:
        while not self._ended.wait(BEAT):
            if self._file is not None:
                with suppress(OSError):
                    os.utime(self._file)


def is_claimed(directory: Path) -> bool:
    """Whether a process holds this run's claim; False if that can't be determined."""
    try:
        claims = _claims(directory)
        return any(_is_live(file, _now(directory)) for file in claims)
    except OSError:
        return False


def remove_claims(directory: Path) -> None:
    """Remove all claim files from a folder that is to be emptied."""
    for file in directory.glob(f"{PREFIX}*"):
        file.unlink(missing_ok=True)


def _claims(directory: Path) -> list[Path]:
    numbered = [file for file in directory.glob(f"{PREFIX}*") if file.name.removeprefix(PREFIX).isdecimal()]
    found = [file for file in numbered if file.is_file()]  # reading a named pipe would block forever
    return sorted(found, key=_number)


def _left_behind(directory: Path) -> list[Path]:
    """Find files left by processes that were killed while claiming the run."""
    found = []
    for file in directory.glob(f"{PREFIX}*{PART}"):
        with suppress(OSError):  # already gone
            found += [file] if _now(directory) - file.stat().st_mtime > STALE else []
    return found


def _number(file: Path) -> int:
    return int(file.name.removeprefix(PREFIX))


def _is_live(file: Path, now: float) -> bool:
    try:
        holder, seen = Holder.read(file), file.stat().st_mtime
    except FileNotFoundError:
        return False
    return now - seen < STALE and not (holder and holder.is_dead())


def _said(file: Path, now: float) -> str:
    with suppress(OSError):
        ago = in_words(max(0.0, now - file.stat().st_mtime))
        return f"{Holder.read(file) or 'another process'}, seen {ago} ago"
    return "another process"


def _now(directory: Path) -> float:
    """Current time on the folder's file server, whose clock sets the modification times."""
    try:
        os.utime(directory / LOCK)
        return (directory / LOCK).stat().st_mtime
    except OSError:  # a read-only folder
        return time.time()
