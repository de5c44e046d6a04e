"""Image files in class folders, found as torchvision.datasets.ImageFolder finds them."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from torchvision.datasets.folder import is_image_file

from gengap.errors import FaultError, printable

# What systems put into folders without a leading dot, in lower case
CLUTTER = frozenset((
    "__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found",
    "__pycache__", "thumbs.db", "ehthumbs.db", "desktop.ini",
))  # fmt: skip


class ClassFolders:
    """The class folders of one split, without what is hidden.

    Args:
        split: the folder that they are in.

    Attributes:
        names: of the class folders, sorted.
        left_out: how often something was left out, by what it is.

    Raises:
        FaultError: a folder can't be read, or a link leads nowhere.
    """

    def __init__(self, split: Path) -> None:
        self.split = split
        self.left_out: Counter[str] = Counter()
        entries = list(self._entries(str(split))) if split.is_dir() else []
        self.names = sorted(entry.name for entry in entries if entry.is_dir())
        loose = sum(not entry.is_dir() for entry in entries)
        self.left_out.update({"outside the class folders": loose} if loose else {})

    def images(self, name: str) -> list[str]:
        """The image files in a class folder and the folders in it, in ImageFolder's order.

        Raises:
            FaultError: a folder can't be read, or a link leads nowhere or in a circle.
        """
        found, top = [], str(self.split / name)
        # With where it and the links on the way to it lead
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
