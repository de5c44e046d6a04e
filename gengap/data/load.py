"""A data set by name: one of the paper's, the demo's, or anyone's."""

from inspect import signature
from pathlib import Path

from gengap.config.factory import imported
from gengap.data.sources import Source
from gengap.data.valid import check_source
from gengap.errors import UserError

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
    place = Path(root).expanduser() / folder
    try:
        signature(factory).bind(place)
    except TypeError as error:
        raise UserError(f"data.name={name} can't be called as factory(folder): {error}") from error
    return check_source(name, factory(place))
