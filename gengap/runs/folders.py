"""Where the records of a results directory are, and which folders on the way can't be looked into."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gengap.errors import UnreadableError
from gengap.faults import reason
from gengap.runs.record import RECORD

LANDSCAPE = "landscape"  # the folder of the measurements


def run_directories(results_dir: Path) -> tuple[list[Path], list[UnreadableError]]:
    """The directories of the runs that have a record, sorted, and an error per folder that can't be read."""
    unreadable: list[UnreadableError] = []
    runs = _seeds(results_dir / "runs", unreadable)
    return sorted(run for run in runs if _may_have_record(run)), unreadable


def measurement_files(results_dir: Path) -> tuple[list[Path], list[UnreadableError]]:
    """All records of measurements, sorted, and an error per folder that can't be read."""
    unreadable: list[UnreadableError] = []
    seeds = _seeds(results_dir / LANDSCAPE, unreadable)
    found = [file for seed in seeds for file in entries(seed, unreadable) if file.suffix == ".json"]
    return sorted(found), unreadable


def _seeds(folder: Path, unreadable: list[UnreadableError]) -> list[Path]:
    """The folders `<run>/seed<k>` below a folder."""
    runs = entries(folder, unreadable)
    return [seed for run in runs for seed in entries(run, unreadable) if seed.name.startswith("seed")]


def entries(folder: Path, unreadable: list[UnreadableError]) -> list[Path]:
    """What is in a folder, nothing if it is not there; if it can't be read, `unreadable` gets an error."""
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        unreadable.append(UnreadableError(folder, f"can't be read: {reason(error)}"))
        return []


@contextmanager
def folder_for_now(parent: Path | None, prefix: str) -> Iterator[Path]:
    """A new folder, removed at the end of the block; left where that may not be, as in an append-only folder.

    There, tempfile.TemporaryDirectory calls itself without end.

    Raises:
        OSError: it can't be made.
    """
    made = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _may_have_record(directory: Path) -> bool:
    """True also where that can't be seen: reading it says why."""
    try:
        return os.path.lexists(directory / RECORD)  # also a link to nothing, which reading it names
    except OSError:
        return True
