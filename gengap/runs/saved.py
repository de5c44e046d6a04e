"""Read, without torch, how far training had come at a run's checkpoint."""

import pickle
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

from gengap.faults import check_is_file
from gengap.runs.record import NEWEST, PREVIOUS


class _Skipped(dict[Any, Any]):
    """Stands in for an object of any class, whatever its arguments."""

    def __init__(self, *_: Any) -> None:
        super().__init__()


class _PlainValues(pickle.Unpickler):
    """Reads only the plain values in a file written by torch.save, and no objects."""

    def persistent_load(self, storage: Any) -> None:
        """Skip a tensor's storage, which is a separate file in the archive."""

    def find_class(self, module: str, name: str) -> type[_Skipped]:
        """Import nothing, so that no file can execute code either."""
        return _Skipped


def saved_updates(directory: Path) -> int | None:
    """Number of updates in the newest readable checkpoint, from which the run would resume.

    Returns:
        0 if there is no checkpoint; None if none can be read this way.

    Raises:
        NotAFileError: something that is not a regular file has the name of a checkpoint.
        OSError: the path can't be examined.
    """
    paths = [path for path in (directory / NEWEST, directory / PREVIOUS) if check_is_file(path)]
    for path in paths:
        try:
            with ZipFile(path) as archive:
                name = next(n for n in archive.namelist() if n.endswith("/data.pkl"))
                with archive.open(name) as file:
                    return _updates(file)
        except Exception:  # the unpickler may raise anything; damage is reported when the run resumes
            continue
    return None if paths else 0


def _updates(file: IO[bytes]) -> int:
    return int(_PlainValues(file).load()["done"])
