"""The files of a run's directory, and reading them even if cut off, damaged or written by a newer version."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gengap.errors import UnreadableError
from gengap.faults import check_is_file
from gengap.runs.schema import FORMAT, record_damage, row_damage
from gengap.runs.strict_json import parse
from gengap.runs.together import contradiction

RECORD, METRICS, LOG, LOCK, WEIGHTS = "run.json", "metrics.jsonl", "run.log", "run.lock", "weights.pt"
TO_TRAIN_AGAIN = "its folder to train the run again"  # what to remove
NEWEST, PREVIOUS = "checkpoint.pt", "checkpoint.previous.pt"
FILES = (RECORD, METRICS, LOG, LOCK, WEIGHTS, NEWEST, PREVIOUS)
LARGEST = 2**28  # bytes of a record or its metrics; those of gengap stay under 150 kB


def name_of(directory: Path) -> str:
    """What tells a run from all others, by its directory: `<workload>-<method>-<digest>/seed<k>`."""
    return "/".join(directory.absolute().parts[-2:])


def read_record(directory: Path) -> dict[str, Any] | None:
    """The contents of a run directory's run.json, or None if it does not exist.

    Raises:
        UnreadableError: it is damaged, or of a newer version.
    """
    return read_versioned(directory / RECORD, FORMAT, record_damage)


def read_versioned(
    file: Path, newest: int, damage: Callable[[Any], str], remove: str = TO_TRAIN_AGAIN
) -> dict[str, Any] | None:
    """The object in a JSON file that says its `format`, or None if there is no file.

    Args:
        file: it.
        newest: the highest format that this version reads.
        damage: what is wrong with the value; empty if nothing is.
        remove: what to remove if it can't be restored.

    Raises:
        UnreadableError: it is damaged, or of a newer version.
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
    """The rows of metrics.jsonl; a last line cut off by a kill is ignored.

    Raises:
        UnreadableError: a line is damaged.
    """
    file = directory / METRICS
    return parse_rows(file, file_bytes(file) or b"")


def parse_rows(file: Path, data: bytes) -> list[dict[str, Any]]:
    """The rows in these bytes of a metrics.jsonl; a last line without its end is ignored.

    Raises:
        UnreadableError: a line is damaged, or not after the one above it.
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
    """Record and metrics of a run that fit together and its directory; None if there is no record.

    Raises:
        UnreadableError: a file is damaged, of a newer version or of another run, or they contradict each
            other.
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
    """Whether there is a run.json; False where that can't be seen."""
    try:
        return (directory / RECORD).exists()
    except OSError:
        return False


def own_record(directory: Path) -> dict[str, Any] | None:
    """As `read_record`, of a directory in a results directory, whose name must be the record's run.

    Raises:
        UnreadableError: it is damaged, of a newer version, or of another run.
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
    """The contents of a file, None if it is not there.

    Raises:
        UnreadableError: it can't be read, is no file, or larger than `most` bytes.
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
    """The reason for an UnreadableError about a damaged file; without restoring it, one removes `what`."""
    return f"is damaged ({where}): restore it, or remove {what}"
