"""How far a run's checkpoint is, read without torch."""

import pickle
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

from gengap.faults import check_is_file
from gengap.runs.record import NEWEST, PREVIOUS


class _Skipped(dict[Any, Any]):
    """Stands for an object of any class, whatever it is made of."""

    def __init__(self, *_: Any) -> None:
        super().__init__()


class _PlainValues(pickle.Unpickler):
    """Reads the plain values in a file of torch.save, and no object."""

    def persistent_load(self, storage: Any) -> None:
        """A tensor's storage, which is a file of its own in the archive, stays unread."""

    def find_class(self, module: str, name: str) -> type[_Skipped]:
        """Import nothing, so that no file can run code either."""
        return _Skipped


def saved_updates(directory: Path) -> int | None:
    """Updates in the newest readable checkpoint, from which the run would continue.

    Returns:
        0 where there is no checkpoint; None where none can be read this way.

    Raises:
        NotAFileError: something else is where one is expected.
        OSError: that can't be seen.
    """
    paths = [path for path in (directory / NEWEST, directory / PREVIOUS) if check_is_file(path)]
    for path in paths:
        try:
            with ZipFile(path) as archive:
                name = next(n for n in archive.namelist() if n.endswith("/data.pkl"))
                with archive.open(name) as file:
                    return _updates(file)
        except Exception:  # the unpickler may raise anything; damage is reported when the run continues
            continue
    return None if paths else 0


def _updates(file: IO[bytes]) -> int:
    return int(_PlainValues(file).load()["done"])
