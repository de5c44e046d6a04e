"""Records of the loss surface around trained networks: landscape/<run>/seed<k>/<kind>-<digest>.json."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from filelock import FileLock

from gengap.errors import UnreadableError
from gengap.runs.checks import each, keys, name, number, one_of, text, tree, whole
from gengap.runs.record import damaged, file_bytes
from gengap.runs.schema import ORIGIN, Status, sentence
from gengap.runs.store import write_atomically
from gengap.runs.strict_json import parse, written

FOLDER = "landscape"
FORMAT = 1
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
)


def measurement_file(results_dir: Path, run: str, seed: int, kind: str, digest: str) -> Path:
    """Where a measurement of a run is recorded."""
    return results_dir / FOLDER / run / f"seed{seed}" / f"{kind}-{digest}.json"


def read_measurement(file: Path) -> dict[str, Any] | None:
    """A record of measurements, or None if there is none.

    Raises:
        UnreadableError: it is damaged, of a newer version, or in another place than its own.
    """
    data = file_bytes(file)
    if data is None:
        return None
    try:
        record = parse(data)
    except ValueError as error:
        raise UnreadableError(file, damaged(str(error), "it to measure again")) from error
    version = record.get("format") if isinstance(record, dict) else None
    if type(version) is int and version > FORMAT:
        raise UnreadableError(file, f"was written by a newer gengap (format {version}): update gengap")
    wrong = sentence(SCHEMA(record))
    if not wrong and [record["run"], f"seed{record['seed']}"] != list(file.absolute().parts[-3:-1]):
        wrong = "it is of another run than its folder's name says"
    if not wrong and not file.name.startswith(f"{record['kind']}-"):
        wrong = "it is of another kind than its name says"
    if wrong:
        raise UnreadableError(file, damaged(wrong, "it to measure again"))
    found: dict[str, Any] = record
    return found


def measurement_files(results_dir: Path) -> Iterator[Path]:
    """All records of measurements, sorted."""
    yield from sorted((results_dir / FOLDER).glob("*/seed*/*.json"))


class Measuring:
    """One record of measurements; inside a `with` block only this process writes to it.

    Raises, on entering the block:
        filelock.Timeout: another process makes these measurements.
        UnreadableError: the record is damaged or of a newer version.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.file = file
        self.record: dict[str, Any] = {}
        self._lock = FileLock(file.with_suffix(".lock"), timeout=0)

    def __enter__(self) -> Self:
        self._lock.acquire()
        try:
            self.record = read_measurement(self.file) or {}
        except UnreadableError:
            self._lock.release()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._lock.release()
        self.file.with_suffix(".lock").unlink(missing_ok=True)

    def update(self, **changes: Any) -> None:
        """Set fields of the record, and write it.

        Raises:
            ValueError: a value is nan or inf.
        """
        text = written(self.record | changes, indent=1) + "\n"
        self.record |= changes
        write_atomically(self.file, text.encode())
