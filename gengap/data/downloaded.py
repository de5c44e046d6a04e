"""MNIST and CIFAR: downloaded by torchvision on first use, then checked file by file and read."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np
from torchvision.datasets import CIFAR10, CIFAR100, MNIST
from torchvision.datasets.utils import check_integrity

from gengap.data.sources import Images, Source
from gengap.errors import UserError

# md5 of the unpacked files; torchvision knows those of the packed ones only
MNIST_FILES = {
    "MNIST/raw/train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "MNIST/raw/train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "MNIST/raw/t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "MNIST/raw/t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def mnist(root: Path) -> Source:
    """MNIST: 60 000 and 10 000 images of 28x28x1."""
    return _downloaded(MNIST, MNIST_FILES, root, 10)


def cifar10(root: Path) -> Source:
    """CIFAR-10: 50 000 and 10 000 images of 32x32x3."""
    return _downloaded(CIFAR10, _cifar_files(CIFAR10), root, 10)


def cifar100(root: Path) -> Source:
    """CIFAR-100: 50 000 and 10 000 images of 32x32x3."""
    return _downloaded(CIFAR100, _cifar_files(CIFAR100), root, 100)


def _cifar_files(dataset: Any) -> dict[str, str]:
    listed = [*dataset.train_list, *dataset.test_list, (dataset.meta["filename"], dataset.meta["md5"])]
    return {f"{dataset.base_folder}/{name}": md5 for name, md5 in listed}


def _downloaded(
    dataset: Callable[..., Any], files: Mapping[str, str], root: Path, num_classes: int
) -> Source:
    """Both splits of a torchvision data set that fits into memory; `files` are its md5s by path under root.

    Raises:
        UserError: not there and not downloadable, or a file is damaged.
    """
    if not all((root / file).exists() for file in files):
        _download(dataset, root, (root / next(iter(files))).parent)
    for file, md5 in files.items():
        if not check_integrity(root / file, md5):
            raise UserError(
                f"{root / file} is damaged (its md5 is not {md5}): delete it, and the same command downloads "
                "it again"
            )

    def images(train: bool) -> Images:
        found = dataset(str(root), train=train)
        pixels = np.asarray(found.data, dtype=np.uint8)
        return Images(pixels if pixels.ndim == 4 else pixels[..., None], np.asarray(found.targets, np.int64))

    return Source(images(True), images(False), num_classes)


def _download(dataset: Callable[..., Any], root: Path, folder: Path) -> None:
    name = getattr(dataset, "__name__", "the data set")
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    try:
        dataset(str(root), download=True)
    except (RuntimeError, OSError, HTTPException) as error:
        for made in missing:
            with suppress(OSError):  # it was not made, or holds what did arrive
                made.rmdir()
        reason = getattr(error, "strerror", None) or "no network, or its source does not answer"
        raise UserError(
            f"{name} is not in {folder} and can't be downloaded ({reason}): run "
            f"python -c \"from torchvision.datasets import {name}; {name}('DIR', download=True)\" "
            "where there is a network, copy DIR to this machine and set data.root=DIR"
        ) from error
