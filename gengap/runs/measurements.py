"""Records of the loss surface around trained networks: landscape/<run>/seed<k>/<kind>-<digest>.json."""

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Self

from filelock import Timeout

from gengap.errors import UnreadableError
from gengap.faults import FULL, MachineError, check_is_file
from gengap.runs.checks import each, keys, name, number, one_of, text, tree, whole
from gengap.runs.folders import LANDSCAPE
from gengap.runs.lock import Lock
from gengap.runs.record import read_versioned
from gengap.runs.schema import ORIGIN, PARTS, Status, sentence
from gengap.runs.store import write_atomically
from gengap.runs.strict_json import written

FORMAT = 1
UNTRAINED = "untrained"  # used instead of the digest of the weights
TO_MEASURE_AGAIN = "it to measure again"  # what to remove, for messages
SCHEMA = keys(
    {
        "format": whole(1),
        "status": one_of(Status.RUNNING, Status.FINISHED),
        "kind": name,
        "run": name,
        "seed": whole(high=2**63 - 1),
        "config": tree,
        **ORIGIN,
        "weights": text,
        "seconds": number(0, 1e10),
        "measurements": each(tree),
    },
    PARTS,
)


def measurement_file(results_dir: Path, run: str, seed: int, kind: str, digest: str) -> Path:
    """Path of the file in which a measurement of a run is recorded."""
    return results_dir / LANDSCAPE / run / f"seed{seed}" / f"{kind}-{digest}.json"


def read_measurement(file: Path) -> dict[str, Any] | None:
    """Read a record of measurements; return None if there is none.

    Raises:
        UnreadableError: it is damaged, was written by a newer version, or isn't where it belongs.
    """
    return read_versioned(file, FORMAT, partial(_damage, file), TO_MEASURE_AGAIN)


def _damage(file: Path, record: Any) -> str:
    if wrong := sentence(SCHEMA(record)):
        return wrong
    if [record["run"], f"seed{record['seed']}"] != list(file.absolute().parts[-3:-1]):
        return "it is of another run than its folder's name says"
    if not file.name.startswith(f"{record['kind']}-"):
        return "it is of another kind than its name says"
    return ""


class Measuring:
    """One record of measurements, to which only this process writes inside a `with` block.

    A block that writes nothing leaves no folder behind.

    Raises, on entering the block:
        filelock.Timeout: another process is making these measurements.
        MachineError: the folder can't be written to.
        UnreadableError: the record is damaged, was written by a newer version, or is not a regular file.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.record: dict[str, Any] = {}
        self._created: list[Path] = []
        self._lock = Lock(file.with_suffix(".lock"), file)

    def __enter__(self) -> Self:
        folder = self.file.parent
        self._created = [path for path in (folder, *folder.parents) if not path.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            check_is_file(self.file.with_suffix(".lock"))
            self._lock.acquire()
        except OSError as error:
            if isinstance(error, Timeout) or error.errno in FULL:
                raise  # launch.failure reports a full disk
            raise _unwritable(error, folder) from error
        try:
            check_is_file(self.file.with_name(f"{self.file.name}.part"))
            self.record = read_measurement(self.file) or {}
        except UnreadableError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        with suppress(OSError):  # Windows can't remove an open file
            self.file.with_suffix(".lock").unlink()
        self._lock.release()
        for folder in self._created:
            with suppress(OSError):  # not empty
                folder.rmdir()

    def update(self, **changes: Any) -> None:
        """Set fields of the record and write it to disk.

        Raises:
            ValueError: a value is nan or inf.
            OSError: the disk is full.
            MachineError: the folder can't be written to.
        """
        text = written(self.record | changes, indent=1) + "\n"
        try:
            write_atomically(self.file, text.encode())
        except OSError as error:
            if error.errno in FULL:
                raise
            raise _unwritable(error, self.file) from error
        self.record |= changes


def _unwritable(error: OSError, path: Path) -> MachineError:
    return MachineError(
        f"can't write to {error.filename or path} ({error.strerror}): measurements are recorded beside their "
        "runs; make that folder writable, or set results_dir=DIR to a copy of it"
    )
