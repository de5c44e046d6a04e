"""The photographs a packed copy was made from, and whether they have changed since."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from gengap.data.folders import imagenet
from gengap.data.packed import FILE, TEST, TRAIN, checksum, opened, unreadable
from gengap.data.sources import ImageFiles, Source
from gengap.errors import FaultError, printable

# Separate from the other tables, because copies made by older versions lack it
SCHEMA = """
CREATE TABLE IF NOT EXISTS originals (
    id INTEGER PRIMARY KEY, size INTEGER, modified INTEGER, checksum BLOB
);
"""
EXISTS = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'originals'"
RECORDED = "SELECT name, size, modified, originals.checksum FROM photographs LEFT JOIN originals USING (id)"


class Photograph(NamedTuple):
    """A photograph to be packed; its name is its path relative to the folder of the data set."""

    split: str
    name: bytes
    label: int
    path: str


class Original(NamedTuple):
    """Used to tell whether a file has changed: size in bytes, modification time in nanoseconds, checksum."""

    size: int
    modified: int
    checksum: bytes


def original(path: str) -> Original:
    """Read size, time and checksum of a file; content only of a regular file, not e.g. a named pipe."""
    found = Path(path).stat()
    content = Path(path).read_bytes() if S_ISREG(found.st_mode) else b""
    return Original(found.st_size, found.st_mtime_ns, checksum(content))


def listed(source: Source, folder: Path) -> list[Photograph]:
    """List the photographs of a data set in the order in which they are packed."""
    found = []
    for split, files in ((TRAIN, source.train), (TEST, source.test)):
        assert isinstance(files, ImageFiles)
        for path, label in zip(files.paths, files.labels, strict=True):
            found.append(Photograph(split, os.fsencode(os.path.relpath(path, folder)), int(label), path))
    return found


def compare(folder: Path) -> None:
    """Compare a complete copy with the photographs it was made from, unless these have all been removed.

    A file counts as unchanged if its size and modification time are the same, or if only the time differs and
    the checksum is the same. Copies made by older versions only know the names.

    Raises:
        FaultError: some photographs are new, missing or changed, or the copy is damaged.
        UserError: as in `folders.imagenet`.
    """
    if not any((folder / split).is_dir() for split in (TRAIN, TEST)):
        return
    file, now = folder / FILE, {p.name: p.path for p in listed(imagenet(folder), folder)}
    try:
        with closing(opened(file)) as connection:
            before = _recorded(connection)
    except sqlite3.DatabaseError as error:
        raise unreadable(file, error) from error
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
