"""The packed copy of a data set of photographs: one file holding all of them, with shorter sides at most 256.

It is an SQLite database, so that a partial copy can be continued and no write is ever left half done. `gengap
prepare` makes it (pack.py); data.packed=true reads it.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np

from gengap.data.sources import ImageFiles, Source
from gengap.errors import FaultError, UserError, printable
from gengap.faults import MachineError, check_is_file, machine_error

SIDE = 256  # upper limit on the shorter side, in pixels
FILE = f"photographs-{SIDE}.sqlite"
TRAIN, TEST = "train", "val"  # folders of the splits
BATCH = 256  # number of photographs written, or checked, at a time
DIGEST = "digest"  # key that only a complete copy has
_OF_MACHINE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM)
Advance = Callable[[int, int], None]  # called with the number of photographs done and their total
SCHEMA = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS photographs (
    id INTEGER PRIMARY KEY, split TEXT, name BLOB UNIQUE, label INTEGER, checksum BLOB, problem TEXT
);
CREATE TABLE IF NOT EXISTS contents (id INTEGER PRIMARY KEY, content BLOB);
"""
CONTENTS = "SELECT name, content, checksum, problem FROM photographs JOIN contents USING (id)"


def checksum(content: bytes) -> bytes:
    """Compute the checksum (16 bytes) of a photograph."""
    return blake2b(content, digest_size=16).digest()


def damaged(file: Path, reason: object) -> FaultError:
    """Create the error for a copy that is no longer as it was written."""
    return FaultError(
        f"{printable(file)} is damaged ({reason}): remove it, and gengap prepare makes it again"
    )


def unreadable(file: Path, error: sqlite3.DatabaseError) -> FaultError:
    """Create the error for a copy that can't be read at the moment, or that is damaged."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _OF_MACHINE:  # the upper bits only specify it
        return MachineError(
            f"{printable(file)} can't be read ({error}): mend that, then run the same command again"
        )
    return damaged(file, error)


def opened(file: Path) -> sqlite3.Connection:
    """Open a read-only connection, without locks, which a network file system may not support."""
    check_is_file(file)
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)


@dataclass
class Packed:
    """Reads photographs from a copy, in any process.

    Args:
        file: path of the copy.
        digest: digest of a split's photographs, in hexadecimal.
    """

    file: Path
    digest: str
    _connection: tuple[int, sqlite3.Connection] | None = field(default=None, repr=False, compare=False)

    def __getstate__(self) -> dict[str, object]:
        """Pickle without the connection, for workers that are not forked."""
        return {"file": self.file, "digest": self.digest, "_connection": None}

    def read(self, path: str) -> bytes:
        """Read the content of a photograph, given its path below that of the copy.

        Raises:
            UserError: it is damaged, could not be decoded when it was packed, or the copy can't be read.
        """
        name = path[len(str(self.file)) + 1 :]
        try:
            found = self._connected().execute(f"{CONTENTS} WHERE name = ?", (os.fsencode(name),)).fetchone()
        except sqlite3.DatabaseError as error:
            raise unreadable(self.file, error) from error
        except OSError as error:
            raise machine_error(error, self.file) from error
        if found is None:
            raise damaged(self.file, f"{printable(name)} is not in it")
        _, content, expected, problem = found
        if problem:
            raise FaultError(problem)
        if checksum(content) != expected:
            raise damaged(self.file, f"the checksum of {printable(name)} does not fit")
        return bytes(content)

    def _connected(self) -> sqlite3.Connection:
        # A connection does not survive a fork
        if self._connection is None or self._connection[0] != os.getpid():
            self._connection = os.getpid(), opened(self.file)
        return self._connection[1]


def packed(folder: Path) -> Source:
    """Load the data set of a packed copy, in the order of `folders.imagenet`.

    Raises:
        UserError: there is no copy, or it is incomplete or damaged.
    """
    file = folder / FILE
    if not file.is_file():
        raise UserError(
            f"data.packed=true: there is no {printable(file)}: type gengap prepare imagenet "
            "data.root=DIR data.folder=NAME, or leave out data.packed"
        )
    try:
        with closing(opened(file)) as connection:
            about = dict(connection.execute("SELECT key, value FROM about"))
            if DIGEST not in about:
                raise FaultError(
                    f"{printable(file)} is not complete: type the gengap prepare that began it again"
                )
            classes = os.fsdecode(about["classes"]).split("/")
            train, test = (_split(connection, file, split) for split in (TRAIN, TEST))
    except sqlite3.DatabaseError as error:
        raise unreadable(file, error) from error
    except KeyError as error:
        raise damaged(file, error) from error
    if digest_of([s.contents.digest for s in (train, test) if s.contents]) != about[DIGEST]:
        raise damaged(file, "the list of its photographs is not as it was written")
    return Source(train, test, len(classes), tuple(classes))


def is_complete(file: Path) -> bool:
    """Whether the file is a copy with all photographs; False if it isn't a copy at all."""
    try:
        with closing(opened(file)) as connection:
            return bool(connection.execute("SELECT 1 FROM about WHERE key = ?", (DIGEST,)).fetchone())
    except sqlite3.DatabaseError:
        return False


def check(folder: Path, advance: Advance) -> bool:
    """Compare every photograph in a packed copy with its checksum; return False if no complete copy exists.

    Raises:
        UserError: a photograph is damaged.
    """
    file = folder / FILE
    if not is_complete(file):
        return False
    try:
        with closing(opened(file)) as connection:
            (total,) = connection.execute("SELECT count(*) FROM photographs").fetchone()
            for done, (name, content, expected, _) in enumerate(connection.execute(CONTENTS), 1):
                if checksum(content) != expected:
                    raise damaged(file, f"the checksum of {printable(os.fsdecode(name))} does not fit")
                if not done % BATCH or done == total:
                    advance(done, total)
    except sqlite3.DatabaseError as error:
        raise unreadable(file, error) from error
    return True


def problems(folder: Path) -> list[str]:
    """List a line for each photograph in a complete copy that could not be decoded."""
    asked = "SELECT problem FROM photographs WHERE problem IS NOT NULL ORDER BY id"
    with closing(opened(folder / FILE)) as connection:
        return [problem for (problem,) in connection.execute(asked)]


def digest_of(digests: list[str]) -> str:
    """Combine the digests of the splits into one."""
    return blake2b(" ".join(digests).encode(), digest_size=16).hexdigest()


def split_digest(connection: sqlite3.Connection, split: str) -> str:
    """Digest of the names, labels and checksums of a split's photographs, in hexadecimal."""
    digest = blake2b(digest_size=16)
    asked = "SELECT name, label, checksum, problem IS NULL FROM photographs WHERE split = ? ORDER BY id"
    for name, label, content, is_good in connection.execute(asked, (split,)):
        digest.update(b"%d\0%b\0%d\0%b" % (len(name), name, label, content if is_good else b""))
    return digest.hexdigest()


def _split(connection: sqlite3.Connection, file: Path, split: str) -> ImageFiles:
    asked = "SELECT name, label FROM photographs WHERE split = ? ORDER BY id"
    names, labels = zip(*connection.execute(asked, (split,)), strict=True)
    paths = np.array([str(file / os.fsdecode(name)) for name in names], dtype=object)
    digest = split_digest(connection, split)
    return ImageFiles(paths, np.array(labels, dtype=np.int64), Packed(file, digest))
