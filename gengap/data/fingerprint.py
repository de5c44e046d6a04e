"""Fingerprint of a data set, which tells whether two runs were trained on the same data."""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from stat import S_ISREG
from typing import TypeVar

import numpy as np

from gengap.data.sources import ImageFiles, Images, Source
from gengap.errors import FaultError, printable

CONTENT = 2**28  # bytes of images to read per split
THREADS, TASK = 16, 256  # network file systems have high latency, but serve many requests in parallel

T = TypeVar("T")


def fingerprint(source: Source) -> dict[str, str]:
    """Compute, for each split, a hash of its images and labels in order, and of the number of classes.

    For arrays, it covers the bytes; for files, names relative to the folder they share, sizes and contents;
    for a packed copy, the digest it stores of its photographs. In a split of more than CONTENT bytes, only
    every k-th image is read, with the smallest k that stays within that limit, because reading all of
    ImageNet would take minutes to hours. Then changes to other files go unnoticed if they preserve the size.

    Raises:
        FaultError: a file can't be read, or is not a regular file.
    """
    splits = {"train": source.train, "test": source.test}
    paths = {
        name: [os.fspath(p) for p in split.paths]
        for name, split in splits.items()
        if isinstance(split, ImageFiles)
    }
    start = shared_folder(list(chain(*paths.values())))
    found = {}
    for name, split in splits.items():
        if isinstance(split, Images):
            hashed = _of_arrays(split)
        elif split.contents:
            hashed = _hash(split.contents.digest.encode())
        else:
            hashed = _of_files(paths[name], start)
        hashed.update(np.asarray(split.labels, "<i8").tobytes() + str(int(source.num_classes)).encode())
        found[name] = hashed.hexdigest()
    return found


def _of_arrays(split: Images) -> "hashlib.blake2b":
    hashed = _hash(repr(split.images.shape).encode())
    hashed.update(np.ascontiguousarray(split.images[:: _step(split.images.nbytes)]).data)
    return hashed


def _of_files(paths: Sequence[str], start: int) -> "hashlib.blake2b":
    sizes = _in_threads(_size, paths)
    contents = _in_threads(_content, paths[:: _step(sum(sizes))])
    hashed = _hash(b"\0".join(os.fsencode(path[start:]) for path in paths))
    hashed.update(np.array(sizes, "<i8").tobytes() + b"".join(contents))
    return hashed


def _hash(data: bytes = b"") -> "hashlib.blake2b":
    return hashlib.blake2b(data, digest_size=16)


def _step(size: int) -> int:
    return max(1, -(-size // CONTENT))


def shared_folder(paths: Sequence[str]) -> int:
    """Length of the folder prefix that all paths share."""
    return os.path.commonprefix([min(paths), max(paths)]).rfind(os.sep) + 1 if paths else 0


def _size(path: str) -> int:
    found = Path(path).stat()
    if not S_ISREG(found.st_mode):  # reading a named pipe would never end
        raise FaultError(f"{printable(path)} is not a file, nor a link to one: replace or remove it")
    return found.st_size


def _content(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, _hash).digest()


def _in_threads(read: Callable[[str], T], paths: Sequence[str]) -> list[T]:
    def task(first: int) -> list[T]:
        return [_read(read, path) for path in paths[first : first + TASK]]

    with ThreadPoolExecutor(THREADS) as pool:
        return list(chain(*pool.map(task, range(0, len(paths), TASK))))


def _read(read: Callable[[str], T], path: str) -> T:
    try:
        return read(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FaultError(f"{printable(path)} can't be read: replace or remove it ({reason})") from error
