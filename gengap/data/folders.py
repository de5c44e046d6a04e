"""ImageNet, or any data set of image files with one folder per class."""

import os
from pathlib import Path

import numpy as np

from gengap.data.sources import ImageFiles, Source
from gengap.errors import UserError

SUFFIXES = (".jpeg", ".jpg", ".png")


def imagenet(root: Path) -> Source:
    """Image files in root/train/CLASS/ and root/val/CLASS/; the classes are the folders of train.

    Classes are numbered in the order of their names, as in torchvision.datasets.ImageFolder. Files are
    ordered class by class in turn: the first of every class, then the second of every class, and so on, so
    that data.limit keeps all classes.

    Raises:
        UserError: a folder is missing or empty, or val has a class that train doesn't have.
    """
    classes = _class_folders(root, "train")
    unknown = sorted(set(_class_folders(root, "val")) - set(classes))
    if unknown:
        raise UserError(
            f"{root / 'val' / unknown[0]} is a class that {root / 'train'} doesn't have: "
            "give both the same class folders"
        )
    number = {name: k for k, name in enumerate(classes)}
    return Source(_image_files(root / "train", number), _image_files(root / "val", number), len(classes))


def _class_folders(root: Path, split: str) -> list[str]:
    """Sorted names of the class folders of a split."""
    names = sorted(f.name for f in (root / split).glob("*") if f.is_dir())
    if not names:
        raise UserError(
            f"no images in {root / split}: arrange them as {root}/train/CLASS/*.JPEG and "
            f"{root}/val/CLASS/*.JPEG, or set data.root and data.folder to where they are "
            "(ImageNet can't be downloaded automatically: request access at image-net.org)"
        )
    return names


def _image_files(split: Path, number: dict[str, int]) -> ImageFiles:
    found = []  # (index within the class, class, path)
    for name, label in number.items():
        folder = split / name
        if not folder.is_dir():  # val may lack classes of train
            continue
        files = sorted(f.name for f in os.scandir(folder) if f.name.lower().endswith(SUFFIXES))
        if not files:
            raise UserError(
                f"no images (*{', *'.join(SUFFIXES)}) in {folder}: add some, or remove the folder"
            )
        found += [(index, label, str(folder / file)) for index, file in enumerate(files)]
    _, labels, paths = zip(*sorted(found), strict=True)
    return ImageFiles(np.array(paths, dtype=object), np.array(labels, dtype=np.int64))
