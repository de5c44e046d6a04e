"""Files in a run's directory, and how to read them if cut off, damaged or written by a newer version."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gengap.errors import UnreadableError
from gengap.faults import check_is_file
from gengap.runs.schema import FORMAT, record_damage, row_damage
from gengap.runs.strict_json import parse
from gengap.runs.together import contradiction

RECORD, METRICS, LOG, LOCK, WEIGHTS = "run.json", "metrics.jsonl", "run.log", "run.lock", "weights.pt"
TO_TRAIN_AGAIN = "its folder to train the run again"  # what to remove, for messages
NEWEST, PREVIOUS = "checkpoint.pt", "checkpoint.previous.pt"
FILES = (RECORD, METRICS, LOG, LOCK, WEIGHTS, NEWEST, PREVIOUS)
LARGEST = 2**28  # most bytes in a record or its metrics; gengap's stay under 150 kB


def name_of(directory: Path) -> str:
    """Unique name of a run, from its directory: `<workload>-<method>-<digest>/seed<k>`."""
    return "/".join(directory.absolute().parts[-2:])


def read_record(directory: Path) -> dict[str, Any] | None:
    """Read run.json in a run's directory; return None if it does not exist.

    Raises:
        UnreadableError: it is damaged or was written by a newer version.
    """
    return read_versioned(directory / RECORD, FORMAT, record_damage)


def read_versioned(
    file: Path, newest: int, damage: Callable[[Any], str], remove: str = TO_TRAIN_AGAIN
) -> dict[str, Any] | None:
    """Read an object from a JSON file that states its `format`; return None if there is no file.

    Args:
        file: path of the file.
        newest: highest format this version can read.
        damage: returns what is wrong with the value; empty if it is valid.
        remove: what to remove if the file can't be restored, for the error message.

    Raises:
        UnreadableError: the file is damaged or was written by a newer version.
    """
    data = file_bytes(file)
    if data is None:
        return None
    try:
        record = parse(data)
    except ValueError as error:
        raise UnreadableError(file, damaged(str(error), remove)) from error
    version = record.get("format") if isinstance(record, dict) else None
    if type(version) is int and version > newest:
        raise UnreadableError(
            file,
            f"was written by a newer gengap (format {version}, this one reads {newest}): "
            "update gengap, or set another results_dir=DIR",
        )
    if wrong := damage(record):
        raise UnreadableError(file, damaged(wrong, remove))
    found: dict[str, Any] = record
    return found


def metric_rows(directory: Path) -> list[dict[str, Any]]:
    """Read the rows of metrics.jsonl, ignoring a last line that was cut off by a kill.

    Raises:
        UnreadableError: a line is damaged.
    """
    file = directory / METRICS
    return parse_rows(file, file_bytes(file) or b"")


def parse_rows(file: Path, data: bytes) -> list[dict[str, Any]]:
    """Parse the rows in these bytes of a metrics.jsonl, ignoring an unterminated last line.

    Raises:
        UnreadableError: a line is damaged, or its update does not follow that of the line above.
    """
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        try:
            row = parse(line)
        except ValueError as error:
            raise UnreadableError(file, damaged(f"in line {number}: {error}")) from error
        wrong = row_damage(row)
        if not wrong and rows and row["update"] <= rows[-1]["update"]:
            wrong = "its update is not after that of the line above"
        if wrong:
            raise UnreadableError(file, damaged(f"in line {number}: {wrong}"))
        rows.append(row)
    return rows


def read_run(directory: Path) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
    """Read a run's record and metrics, which must match each other and the directory; None if no record.

    Raises:
        UnreadableError: a file is damaged, was written by a newer version or belongs to another run, or they
            contradict each other.
    """
    record = own_record(directory)
    if record is None:
        return None
    file = directory / METRICS
    data = file_bytes(file) or b""
    rows = parse_rows(file, data)
    if wrong := contradiction(record, rows, data):
        raise UnreadableError(file, damaged(wrong))
    return record, rows


def has_record(directory: Path) -> bool:
    """Whether there is a run.json; False if that can't be determined."""
    try:
        return (directory / RECORD).exists()
    except OSError:
        return False


def own_record(directory: Path) -> dict[str, Any] | None:
    """Like `read_record`, but also check that the directory's name matches the run in the record.

    Raises:
        UnreadableError: the record is damaged, was written by a newer version, or belongs to another run.
    """
    record = read_record(directory)
    if record is None:
        return None
    name = f"{record['workload']}-{record['method']}-{record['digest']}/seed{record['seed']}"
    if name != name_of(directory):
        raise UnreadableError(
            directory / RECORD,
            f"is of another run, {name}, than its folder's name says: "
            "move it to its own folder, or remove this one to train its run again",
        )
    return record


def file_bytes(file: Path, most: float = LARGEST) -> bytes | None:
    """Read the contents of a file; return None if it doesn't exist.

    Raises:
        UnreadableError: it can't be read, is not a regular file, or is larger than `most` bytes.
    """
    try:
        if not check_is_file(file):
            return None
        size = file.stat().st_size
        if size > most:
            raise UnreadableError(file, damaged(f"{size:,} bytes, which no record has"))
        return file.read_bytes()
    except FileNotFoundError:  # removed by now
        return None
    except OSError as error:
        raise UnreadableError(file, f"can't be read: {error.strerror}") from error


def damaged(where: str, what: str = TO_TRAIN_AGAIN) -> str:
    """Reason for an UnreadableError about a damaged file; `what` is to be removed if it isn't restored."""
    return f"is damaged ({where}): restore it, or remove {what}"


def remove_checkpoints(directory: Path) -> None:
    """Delete the checkpoints of a finished run."""
    for name in (NEWEST, PREVIOUS):
        (directory / name).unlink(missing_ok=True)
