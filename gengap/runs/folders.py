"""Find the records in a results directory, and the folders on the way that can't be read."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gengap.errors import UnreadableError
from gengap.faults import reason
from gengap.runs.record import RECORD

LANDSCAPE = "landscape"  # folder of the measurements


def run_directories(results_dir: Path) -> tuple[list[Path], list[UnreadableError]]:
    """Find the directories of runs that have a record, sorted, and an error for each unreadable folder."""
    unreadable: list[UnreadableError] = []
    runs = _seeds(results_dir / "runs", unreadable)
    return sorted(run for run in runs if _may_have_record(run)), unreadable


def measurement_files(results_dir: Path) -> tuple[list[Path], list[UnreadableError]]:
    """Find all records of measurements, sorted, and an error for each unreadable folder."""
    unreadable: list[UnreadableError] = []
    seeds = _seeds(results_dir / LANDSCAPE, unreadable)
    found = [file for seed in seeds for file in entries(seed, unreadable) if file.suffix == ".json"]
    return sorted(found), unreadable


def _seeds(folder: Path, unreadable: list[UnreadableError]) -> list[Path]:
    """The folders `<run>/seed<k>` below a folder."""
    runs = entries(folder, unreadable)
    return [seed for run in runs for seed in entries(run, unreadable) if seed.name.startswith("seed")]


def entries(folder: Path, unreadable: list[UnreadableError]) -> list[Path]:
    """List a folder, empty if it doesn't exist; if it can't be read, add an error to `unreadable`."""
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        unreadable.append(UnreadableError(folder, f"can't be read: {reason(error)}"))
        return []


@contextmanager
def folder_for_now(parent: Path | None, prefix: str) -> Iterator[Path]:
    """Create a folder and remove it after the block; leave it if removal isn't allowed (append-only folders).

    In that case tempfile.TemporaryDirectory would recurse endlessly.

    Raises:
        OSError: the folder can't be created.
    """
    made = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _may_have_record(directory: Path) -> bool:
    """Whether there may be a record; also True if that can't be determined, since reading it will say why."""
    try:
        return os.path.lexists(directory / RECORD)  # True for broken links, too, which reading will report
    except OSError:
        return True
