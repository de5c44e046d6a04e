"""ImageNet, or any data set of image files with one folder per class."""

import logging
import shlex
from pathlib import Path

import numpy as np
from torchvision.datasets.folder import IMG_EXTENSIONS

from gengap.data.class_folders import ClassFolders
from gengap.data.sources import ImageFiles, Source
from gengap.errors import UserError, printable

log = logging.getLogger(__name__)


def imagenet(root: Path) -> Source:
    """List the image files in root/train/CLASS/ and root/val/CLASS/; the folders in train are the classes.

    Folders and files are those that torchvision.datasets.ImageFolder finds, except hidden ones, and classes
    are numbered likewise, by sorted name. Files are interleaved across classes: the first of every class,
    then the second of every class, and so on, so that data.limit keeps all classes. A log line counts what is
    left out.

    Raises:
        UserError: a folder is missing, empty or can't be read, a link is broken or circular, or val has a
            class that train doesn't have.
    """
    train, val = (_class_folders(root, split) for split in ("train", "val"))
    unknown = sorted(set(val.names) - set(train.names))
    if unknown:
        raise UserError(
            f"{printable(val.split / unknown[0])} is a class that {train.split} doesn't have: "
            "give both the same class folders"
        )
    number = {name: k for k, name in enumerate(train.names)}
    return Source(_image_files(train, number), _image_files(val, number), len(number), tuple(number))


def _class_folders(root: Path, split: str) -> ClassFolders:
    found = ClassFolders(root / split)
    if not found.names:
        if all((root.parent / name).is_dir() for name in ("train", "val")):
            place = root.parent.resolve() if root.parent.name in ("", "..") else root.parent
            raise UserError(
                f"no images in {printable(root / split)}, but there are {printable(place / 'train')} and "
                f"{printable(place / 'val')}: to train on them, type "
                f"{shlex.join([f'data.root={place.parent}', f'data.folder={place.name}'])}"
            )
        raise UserError(
            f"no images in {root / split}: arrange them as {root}/train/CLASS/*.JPEG and "
            f"{root}/val/CLASS/*.JPEG, or set data.root and data.folder to where they are "
            "(ImageNet can't be downloaded automatically: request access at image-net.org)"
        )
    return found


def _image_files(folders: ClassFolders, number: dict[str, int]) -> ImageFiles:
    found = []  # (index within the class, class, path)
    for name in folders.names:  # val may lack some of train's classes
        files = folders.images(name)
        if not files:
            raise UserError(
                f"no images (*{', *'.join(IMG_EXTENSIONS)}) in {printable(folders.split / name)}: "
                "add some, or remove the folder"
            )
        found += [(index, number[name], file) for index, file in enumerate(files)]
    if folders.left_out:
        counts = ", ".join(f"{n} {printable(what)}" for what, n in sorted(folders.left_out.items()))
        log.info("%s: left out %s", folders.split, counts)
    _, labels, paths = zip(*sorted(found), strict=True)
    return ImageFiles(np.array(paths, dtype=object), np.array(labels, dtype=np.int64))
