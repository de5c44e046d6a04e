"""A checksum of a whole checkpoint, stored in the file itself as the comment at the end of its zip archive.

torch.load and zipfile can still read the file. One file holds both, so a kill can't separate them.
"""

import hashlib
import io
from pathlib import Path
from zipfile import BadZipFile, ZipFile

_MARK = b"gengap sha256 "
_COMMENT = len(_MARK) + 64  # bytes: the mark, then the digest in hexadecimal
_END = 22  # bytes in an archive's end record; the last two hold the length of the comment
_SIGNATURE = b"PK\5\6"  # signature of the end record
_PER_FILE = (
    2**12
)  # upper limit on the bytes per archived file besides its name and content, including padding
_NO_ARCHIVE = "cut off, or not a checkpoint"


def sealed(archive: bytes) -> bytes:
    """Add a checksum of itself to an archive (a zip file without a comment, as written by torch.save)."""
    body = archive[:-2] + _COMMENT.to_bytes(2, "little")
    return body + _comment(body)


def damage(data: bytes) -> str:
    """Describe what is wrong with a sealed archive; empty if it is intact.

    For archives older than these checksums, the CRC-32 of each file inside is compared.
    """
    body, comment = data[:-_COMMENT], data[-_COMMENT:]
    if comment.startswith(_MARK) and body.endswith(_COMMENT.to_bytes(2, "little")):
        return "" if comment == _comment(body) else "wrong checksum"
    if data[-_END:].startswith(_SIGNATURE) and data.endswith(b"\0\0"):
        return _damage_inside(data)
    return _NO_ARCHIVE


def damage_at_end(file: Path) -> str:
    """Describe what is wrong with an archive, judging by the directory at its end; empty if nothing is.

    This avoids reading a whole file, of whatever size, that is not an archive. The rest is left to `damage`.

    Raises:
        OSError: the file can't be read.
    """
    try:
        with ZipFile(file) as archive:
            listed = archive.infolist()
    except (OSError, MemoryError):
        raise
    except Exception:  # zipfile may raise anything
        return _NO_ARCHIVE
    room = sum(one.compress_size + len(one.filename) * 2 + _PER_FILE for one in listed) + _PER_FILE
    return "larger than what is in it" if file.stat().st_size > room else ""


def _comment(body: bytes) -> bytes:
    return _MARK + hashlib.sha256(body).hexdigest().encode()


def _damage_inside(data: bytes) -> str:
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            bad = archive.testzip()
    except (BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        return type(error).__name__
    return f"wrong checksum of {bad}" if bad else ""
