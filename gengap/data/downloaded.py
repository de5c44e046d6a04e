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
from gengap.errors import FaultError
from gengap.faults import check_is_file

# MD5 of the unpacked files; torchvision only knows those of the archives
MNIST_FILES = {
    "MNIST/raw/train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "MNIST/raw/train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "MNIST/raw/t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "MNIST/raw/t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def mnist(root: Path) -> Source:
    """Load MNIST: 60 000 training and 10 000 test images (28x28x1) in 10 classes; errors as in `load`."""
    return _downloaded(MNIST, MNIST_FILES, root, 10)


def cifar10(root: Path) -> Source:
    """Load CIFAR-10: 50 000 training and 10 000 test images (32x32x3), 10 classes; errors as in `load`."""
    return _downloaded(CIFAR10, _cifar_files(CIFAR10), root, 10)


def cifar100(root: Path) -> Source:
    """Load CIFAR-100: 50 000 training and 10 000 test images (32x32x3), 100 classes; errors as in `load`."""
    return _downloaded(CIFAR100, _cifar_files(CIFAR100), root, 100)


def _cifar_files(dataset: Any) -> dict[str, str]:
    listed = [*dataset.train_list, *dataset.test_list, (dataset.meta["filename"], dataset.meta["md5"])]
    return {f"{dataset.base_folder}/{name}": md5 for name, md5 in listed}


def _downloaded(
    dataset: Callable[..., Any], files: Mapping[str, str], root: Path, num_classes: int
) -> Source:
    """Read both splits of a torchvision data set into memory.

    Args:
        dataset: torchvision class, called as dataset(root, train=...).
        files: MD5 of every file, keyed by path relative to root.
        root: folder in which torchvision stores the data set.
        num_classes: number of classes.

    Raises:
        FaultError: a file is missing and can't be downloaded, or is damaged.
    """
    if not all(check_is_file(root / file) for file in files):
        _download(dataset, root, (root / next(iter(files))).parent)
    for file, md5 in files.items():
        if not check_integrity(root / file, md5):
            raise FaultError(
                f"{root / file} is damaged (its md5 is not {md5}): delete it, and the same command downloads "
                "it again"
            )

    def images(train: bool) -> Images:
        data = dataset(str(root), train=train)
        pixels = np.asarray(data.data, dtype=np.uint8)
        return Images(pixels if pixels.ndim == 4 else pixels[..., None], np.asarray(data.targets, np.int64))

    return Source(images(True), images(False), num_classes)


def _download(dataset: Callable[..., Any], root: Path, folder: Path) -> None:
    name = getattr(dataset, "__name__", "the data set")
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    try:
        dataset(str(root), download=True)
    except (RuntimeError, OSError, HTTPException) as error:
        for made in missing:
            with suppress(OSError):  # it was never made, or is not empty
                made.rmdir()
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise FaultError(
                f"{name} can't be downloaded: the server's certificate is not trusted, as behind a company's "
                "proxy: set SSL_CERT_FILE=/path/to/certificates.pem and type the same command again"
            ) from error
        reason = getattr(error, "strerror", None) or "no network, or the server does not answer"
        raise FaultError(
            f"{name} is not in {folder} and can't be downloaded ({reason}): run "
            f"python -c \"from torchvision.datasets import {name}; {name}('DIR', download=True)\" "
            "on a machine with a network, copy DIR to this one and set data.root=DIR"
        ) from error
