"""Load a data set by name: one of the paper's, the demo's, or the user's own."""

import os
from functools import partial
from inspect import signature
from pathlib import Path

from gengap.config.factory import called, imported
from gengap.config.schema import Data
from gengap.data.checks import check_source
from gengap.data.sources import Source
from gengap.errors import UserError, either
from gengap.paths import expanded

SOURCES = {
    "digits": "gengap.data.digits:digits",
    "mnist": "gengap.data.downloaded:mnist",
    "cifar10": "gengap.data.downloaded:cifar10",
    "cifar100": "gengap.data.downloaded:cifar100",
    "imagenet": "gengap.data.folders:imagenet",
}
PACKED = {"imagenet": "gengap.data.packed:packed"}
DEFAULT_ROOT = Data.root
TRAINING_IMAGES = {"digits": 1437, "mnist": 60_000, "cifar10": 50_000, "cifar100": 50_000}
NUM_CLASSES = {"digits": 10, "mnist": 10, "cifar10": 10, "cifar100": 100, "imagenet": 1000}


def load(name: str, root: str, folder: str = "", *, packed: bool = False) -> Source:
    """Load a data set from `folder` under `root`.

    Args:
        name: a key of SOURCES, or `package.module:factory`, called as factory(Path of the folder) -> Source.
        root: folder of all data sets; ~ is the user's home, and $GENGAP_DATA replaces the default.
        folder: the data set's folder, relative to root.
        packed: read the packed copy of the image files instead of the files themselves.

    Raises:
        UserError: the name is unknown, the data is missing and can't be downloaded, a file is damaged, or the
            user's own factory fails or returns no valid Source.
    """
    target = PACKED.get(name, "") if packed else SOURCES.get(name, name)
    if not target:
        raise UserError(f"data.packed=true: only {either(list(PACKED))} has a packed copy, not {name}")
    factory = imported("data.name", target, SOURCES)
    # The digits need no folder, so they work for a user without a home directory
    alone = name == "digits" and root == DEFAULT_ROOT and not os.environ.get("GENGAP_DATA")
    path = Path() if alone else data_folder(root, folder)
    try:
        signature(factory).bind(path)
    except TypeError as error:
        raise UserError(f"data.name={name} can't be called as factory(folder): {error}") from error
    return check_source(name, called("data.name", name, partial(factory, path)))


def data_folder(root: str, folder: str) -> Path:
    """Resolve the folder of a data set; arguments are as in `load`.

    Raises:
        UserError: there is no home directory for ~, or a variable is not set.
    """
    if root == DEFAULT_ROOT:
        root = os.environ.get("GENGAP_DATA") or root
    try:
        return expanded(root) / expanded(folder)
    except UserError as error:
        raise UserError(f"data.root or data.folder: {error}") from error
