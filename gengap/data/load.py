"""A data set by name: one of the paper's, the demo's, or anyone's."""

from pathlib import Path

from gengap.data.sources import Source
from gengap.data.valid import check_source
from gengap.imported import imported

SOURCES = {
    "digits": "gengap.data.digits:digits",
    "mnist": "gengap.data.downloaded:mnist",
    "cifar10": "gengap.data.downloaded:cifar10",
    "cifar100": "gengap.data.downloaded:cifar100",
    "imagenet": "gengap.data.folders:imagenet",
}


def load(name: str, root: str, folder: str = "") -> Source:
    """Load a data set from `folder` under `root`.

    Args:
        name: a key of SOURCES, or `package.module:factory`, called as factory(Path of the folder) -> Source.
        root: the user's home may be written as ~.
        folder: relative to root.

    Raises:
        UserError: unknown name, not found there and not downloadable, damaged, or not what a Source must be.
    """
    factory = imported("data.name", SOURCES.get(name, name), SOURCES)
    return check_source(name, factory(Path(root).expanduser() / folder))
