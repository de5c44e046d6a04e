"""ImageNet, or any data set of photographs in one folder a class."""

import os
from pathlib import Path

import numpy as np

from gengap.data.sources import Photographs, Source
from gengap.errors import UserError

SUFFIXES = (".jpeg", ".jpg", ".png")


def imagenet(root: Path) -> Source:
    """Photographs as root/train/CLASS/*.JPEG and root/val/CLASS/*.JPEG; the classes are the folders of train.

    Classes are numbered by name, as torchvision.datasets.ImageFolder does. The first photograph of every
    class comes first, then the second of every class, and so on: data.limit takes some of all classes.

    Raises:
        UserError: a folder is missing or empty, or val has a class that train has not.
    """
    classes = _folders(root, "train")
    strangers = sorted(set(_folders(root, "val")) - set(classes))
    if strangers:
        raise UserError(
            f"{root / 'val' / strangers[0]} is a class that {root / 'train'} has not: "
            "give both the same class folders"
        )
    number = {name: k for k, name in enumerate(classes)}
    return Source(_photographs(root / "train", number), _photographs(root / "val", number), len(classes))


def _folders(root: Path, split: str) -> list[str]:
    """Names of the class folders of a split, sorted."""
    found = sorted(f.name for f in (root / split).glob("*") if f.is_dir())
    if not found:
        raise UserError(
            f"no photographs in {root / split}: lay them out as {root}/train/CLASS/*.JPEG and "
            f"{root}/val/CLASS/*.JPEG, or set data.root and data.folder to where they are so "
            "(ImageNet can't be downloaded automatically: ask for it at image-net.org)"
        )
    return found


def _photographs(split: Path, number: dict[str, int]) -> Photographs:
    found = []  # (place in its folder, class, path)
    for name, label in number.items():
        folder = split / name
        if not folder.is_dir():  # of val, which may lack classes of train
            continue
        files = sorted(f.name for f in os.scandir(folder) if f.name.lower().endswith(SUFFIXES))
        if not files:
            raise UserError(f"no photographs (*{', *'.join(SUFFIXES)}) in {folder}: add some, or remove it")
        found += [(place, label, str(folder / file)) for place, file in enumerate(files)]
    _, labels, paths = zip(*sorted(found), strict=True)
    return Photographs(np.array(paths, dtype=object), np.array(labels, dtype=np.int64))
