"""Where the runs of a results directory are, and which folders on the way can't be looked into."""

from pathlib import Path

from gengap.errors import UnreadableError
from gengap.faults import reason
from gengap.runs.record import RECORD


def run_directories(results_dir: Path) -> tuple[list[Path], list[UnreadableError]]:
    """The directories of the runs that have a record, sorted, and an error per folder that can't be read."""
    unreadable: list[UnreadableError] = []
    cells = _entries(results_dir / "runs", unreadable)
    runs = [run for cell in cells for run in _entries(cell, unreadable) if run.name.startswith("seed")]
    return sorted(run for run in runs if _may_have_record(run)), unreadable


def _entries(folder: Path, unreadable: list[UnreadableError]) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        unreadable.append(UnreadableError(folder, f"can't be read: {reason(error)}"))
        return []


def _may_have_record(directory: Path) -> bool:
    """True also where that can't be seen: reading it says why."""
    try:
        return (directory / RECORD).exists()
    except OSError:
        return True
