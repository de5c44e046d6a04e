"""Make the packed copy of a data set of photographs, or continue one that was interrupted."""

import os
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from hashlib import blake2b
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms.v2 import functional as tf

from gengap.data.decoder import leave_signals_to
from gengap.data.folders import imagenet
from gengap.data.image_file import read_resized
from gengap.data.originals import SCHEMA as ORIGINALS
from gengap.data.originals import Original, Photograph, listed, original
from gengap.data.packed import (
    BATCH,
    DIGEST,
    FILE,
    SCHEMA,
    SIDE,
    TEST,
    TRAIN,
    Advance,
    checksum,
    damaged,
    digest_of,
    split_digest,
)
from gengap.errors import FaultError, UserError, printable
from gengap.faults import MachineError, check_is_file, machine_error

QUALITY = 90  # JPEG quality of resized photographs
PAGE = 65536  # bytes; large, so that a photograph is spread over few pages


class Packing(NamedTuple):
    """Content of a photograph in the copy, or why there is none, and details of the original file."""

    content: bytes
    problem: str
    original: Original


def pack(folder: Path, workers: int, advance: Advance) -> Path:
    """Make or complete the packed copy of the photographs in folder/train/CLASS/ and folder/val/CLASS/.

    JPEGs whose shorter side has at most SIDE pixels are copied unchanged; others are resized to SIDE as for
    training and saved as JPEGs of quality QUALITY. For a photograph that can't be decoded, the reason is
    noted.

    Args:
        folder: folder of the data set, in which the copy is stored.
        workers: number of processes.
        advance: called after every BATCH photographs.

    Raises:
        UserError: as in `folders.imagenet`, or the copy is damaged or was started with other photographs.
        MachineError: a photograph can't be read, or the copy can't be written; calling again continues it.
    """
    source, file = imagenet(folder), folder / FILE
    photographs = listed(source, folder)
    classes = os.fsencode("/".join(source.class_names))
    plan = blake2b(
        repr([(p.split, p.name, p.label) for p in photographs]).encode(), digest_size=16
    ).hexdigest()
    with _writing(file) as connection:
        about = dict(connection.execute("SELECT key, value FROM about"))
        if about.setdefault("plan", plan) != plan:
            raise UserError(f"{printable(file)} was begun with other photographs: remove it to start over")
        with connection:
            values = (("plan", plan), ("classes", classes))
            connection.executemany("INSERT OR IGNORE INTO about VALUES (?, ?)", values)
        (done,) = connection.execute("SELECT count(*) FROM photographs").fetchone()
        results = _packed(photographs[done:], workers)
        while part := list(islice(results, BATCH)):
            _write(connection, done, photographs, part)
            done += len(part)
            advance(done, len(photographs))
        digest = digest_of([split_digest(connection, split) for split in (TRAIN, TEST)])
        with connection:
            connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (DIGEST, digest))
    return file


@contextmanager
def _writing(file: Path) -> Iterator[sqlite3.Connection]:
    check_is_file(file)
    try:
        with closing(sqlite3.connect(file, timeout=0)) as connection:
            connection.execute(f"PRAGMA page_size = {PAGE}")
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.executescript(SCHEMA + ORIGINALS)
            yield connection
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise FaultError(f"{printable(file)} is being written by another process: wait for it") from error
        raise MachineError(
            f"{printable(file)} can't be written ({error}): mend that, then run the same command again"
        ) from error
    except sqlite3.DatabaseError as error:
        raise damaged(file, error) from error


def _write(
    connection: sqlite3.Connection,
    first: int,
    photographs: Sequence[Photograph],
    part: Sequence[Packing],
) -> None:
    with connection:
        for number, (content, problem, original) in enumerate(part, first):
            split, name, label, _ = photographs[number]
            row = (number, split, name, label, checksum(content), problem or None)
            connection.execute("INSERT INTO photographs VALUES (?, ?, ?, ?, ?, ?)", row)
            connection.execute("INSERT INTO contents VALUES (?, ?)", (number, content))
            connection.execute("INSERT INTO originals VALUES (?, ?, ?, ?)", (number, *original))


def _packed(photographs: Sequence[Photograph], workers: int) -> Iterator[Packing]:
    if not photographs:
        return
    loader = DataLoader(
        _Packer([p.path for p in photographs]),
        batch_size=None,
        num_workers=workers,
        multiprocessing_context="fork" if workers and sys.platform == "linux" else None,
        worker_init_fn=partial(leave_signals_to, os.getpid()),
    )
    for found in loader:
        if isinstance(found, MachineError):
            raise type(found)(str(found))
        yield found


class _Packer(Dataset[Packing | MachineError]):
    """Packs a photograph in a worker process; an error of the machine is returned as the result."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Packing | MachineError:
        path = self._paths[index]
        try:
            known = original(path)
            return Packing(_content(path), "", known)
        except OSError as error:
            return MachineError(str(machine_error(error, path)))
        except MachineError as error:
            return MachineError(str(error))  # drop its cause, which may not be picklable
        except UserError as error:
            return Packing(b"", str(error), known)


def _content(path: str) -> bytes:
    pixels = read_resized(path, SIDE)  # also if it is copied unchanged, to check that it is intact
    with Image.open(path) as image:
        shorter, is_jpeg = min(image.size), image.format == "JPEG"
    if is_jpeg and shorter <= SIDE:
        return Path(path).read_bytes()
    if shorter < SIDE:
        pixels = read_resized(path, shorter)
    buffer = BytesIO()
    tf.to_pil_image(pixels.contiguous()).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
