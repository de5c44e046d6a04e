"""Image files in class folders, found in the same way as by torchvision.datasets.ImageFolder."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from torchvision.datasets.folder import is_image_file

from gengap.errors import FaultError, printable

# Names without a leading dot that operating systems put into folders, in lower case
CLUTTER = frozenset((
    "__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found",
    "__pycache__", "thumbs.db", "ehthumbs.db", "desktop.ini",
))  # fmt: skip


class ClassFolders:
    """The class folders of one split, excluding hidden ones.

    Args:
        split: folder that contains them.

    Attributes:
        names: names of the class folders, sorted.
        left_out: number of entries left out, by kind.

    Raises:
        FaultError: a folder can't be read, or a link is broken.
    """

    def __init__(self, split: Path) -> None:
        self.split = split
        self.left_out: Counter[str] = Counter()
        entries = list(self._entries(str(split))) if split.is_dir() else []
        self.names = sorted(entry.name for entry in entries if entry.is_dir())
        loose = sum(not entry.is_dir() for entry in entries)
        self.left_out.update({"outside the class folders": loose} if loose else {})

    def images(self, name: str) -> list[str]:
        """List the image files in a class folder and its subfolders, in ImageFolder's order.

        Raises:
            FaultError: a folder can't be read, or a link is broken or circular.
        """
        found, top = [], str(self.split / name)
        # Each folder with the resolved paths of itself and of the links leading to it
        folders: list[tuple[str, tuple[str, ...]]] = [(top, (os.path.realpath(top),))]
        while folders:
            folder, passed = folders.pop()
            for entry in self._entries(folder):
                if entry.is_dir():
                    folders.append((entry.path, _passed(entry, folder, passed)))
                elif is_image_file(entry.name):
                    found.append((folder, entry.name))
                else:
                    self.left_out[Path(entry.name).suffix.lower() or "without an extension"] += 1
        return [str(Path(folder, file)) for folder, file in sorted(found)]

    def _entries(self, folder: str) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or entry.name.lower() in CLUTTER:
                        self.left_out["hidden"] += 1
                    elif entry.is_symlink() and not Path(entry.path).exists():
                        raise FaultError(f"{printable(entry.path)} is a link that leads nowhere: remove it")
                    else:
                        yield entry
        except OSError as error:
            raise FaultError(
                f"{printable(error.filename or folder)} can't be read ({error.strerror})"
            ) from error


def _passed(entry: os.DirEntry[str], folder: str, passed: tuple[str, ...]) -> tuple[str, ...]:
    if not entry.is_symlink():
        return passed
    target = Path(os.path.realpath(entry.path))
    if any(Path(place).is_relative_to(target) for place in (*passed, os.path.realpath(folder))):
        raise FaultError(f"{printable(entry.path)} is a link to a folder that it lies in: remove it")
    return *passed, str(target)
