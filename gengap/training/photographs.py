"""Keep ranks in agreement when one of them meets photographs that can't be decoded."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar, cast

from gengap.data.device_images import DeviceImages
from gengap.data.undecoded import Undecoded
from gengap.training.ranks import Ranks
from gengap.training.shared_errors import tried

T = TypeVar("T")


def agreed(ranks: Ranks, images: DeviceImages, act: Callable[[], T]) -> T:
    """Call `act`, which decodes images of a data set, on all ranks; return its result on this one.

    Photographs that can't be decoded are counted across all ranks. If `act` raises an error on one rank, all
    ranks raise it. Nothing is exchanged unless the images are read from files.

    Raises:
        MachineError: the ranks together have met more bad photographs than data.bad_photographs allows.
    """
    if ranks.size == 1 or not images.from_files:
        return act()
    value, error = tried(act)
    if ranks.largest(int(error is not None or images.bad.has_new)):
        found = ranks.gathered(dict(images.bad))
        ranks.together(partial(_count, images.bad, found, error))
    return cast(T, value)


def _count(bad: Undecoded, found: Sequence[dict[str, str]], error: Exception | None) -> None:
    bad.merge(found)
    if error is not None:
        raise error
