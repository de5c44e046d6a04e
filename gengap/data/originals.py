"""The photographs that a packed copy was made of, and whether they are still the same."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from gengap.data.folders import imagenet
from gengap.data.packed import FILE, TEST, TRAIN, checksum, damaged, opened
from gengap.data.sources import ImageFiles, Source
from gengap.errors import FaultError, printable

# Apart from the other tables, because copies made by older versions lack it
SCHEMA = """
CREATE TABLE IF NOT EXISTS originals (
    id INTEGER PRIMARY KEY, size INTEGER, modified INTEGER, checksum BLOB
);
"""
EXISTS = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'originals'"
RECORDED = "SELECT name, size, modified, originals.checksum FROM photographs LEFT JOIN originals USING (id)"


class Photograph(NamedTuple):
    """One to be packed: its name is its path below the folder of the data set."""

    split: str
    name: bytes
    label: int
    path: str


class Original(NamedTuple):
    """What tells whether a file is as it was: bytes, time of modification in nanoseconds, checksum."""

    size: int
    modified: int
    checksum: bytes


def original(path: str) -> Original:
    """Of the file at `path`; what is no regular file, such as a named pipe, is not read."""
    found = Path(path).stat()
    content = Path(path).read_bytes() if S_ISREG(found.st_mode) else b""
    return Original(found.st_size, found.st_mtime_ns, checksum(content))


def listed(source: Source, folder: Path) -> list[Photograph]:
    """The photographs of a data set in the order in which they are packed."""
    found = []
    for split, files in ((TRAIN, source.train), (TEST, source.test)):
        assert isinstance(files, ImageFiles)
        for path, label in zip(files.paths, files.labels, strict=True):
            found.append(Photograph(split, os.fsencode(os.path.relpath(path, folder)), int(label), path))
    return found


def compare(folder: Path) -> None:
    """Compare a complete copy with the photographs it was made of, unless these are gone as a whole.

    A file of the same size and time of modification counts as the same; one with another time, if its
    checksum is. A copy made by an older version knows their names only.

    Raises:
        FaultError: some are new, gone or changed; or the copy is damaged.
        UserError: as in `folders.imagenet`.
    """
    if not any((folder / split).is_dir() for split in (TRAIN, TEST)):
        return
    file, now = folder / FILE, {p.name: p.path for p in listed(imagenet(folder), folder)}
    try:
        with closing(opened(file)) as connection:
            before = _recorded(connection)
    except sqlite3.DatabaseError as error:
        raise damaged(file, error) from error
    counts = {
        "new": len(now.keys() - before.keys()),
        "gone": len(before.keys() - now.keys()),
        "changed": sum(_has_changed(now[name], known) for name, known in before.items() if name in now),
    }
    found = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    if found:
        place = printable(file)
        raise FaultError(f"{place}: the folder has changed since ({found}): remove {place} to pack again")


def _recorded(connection: sqlite3.Connection) -> dict[bytes, Original | None]:
    (has_originals,) = connection.execute(EXISTS).fetchone()
    if not has_originals:
        return {name: None for (name,) in connection.execute("SELECT name FROM photographs")}
    rows = connection.execute(RECORDED)
    return {name: None if known[0] is None else Original(*known) for name, *known in rows}


def _has_changed(path: str, known: Original | None) -> bool:
    if known is None:
        return False
    found = Path(path).stat()
    if (found.st_size, found.st_mtime_ns) == (known.size, known.modified):
        return False
    return found.st_size != known.size or original(path).checksum != known.checksum
