"""What ranks agree on where one of them meets photographs that can't be decoded."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar, cast

from gengap.data.device_images import DeviceImages
from gengap.data.undecoded import Undecoded
from gengap.training.ranks import Ranks
from gengap.training.shared_errors import tried

T = TypeVar("T")


def agreed(ranks: Ranks, images: DeviceImages, act: Callable[[], T]) -> T:
    """What `act`, which decodes images of a data set, returns here, once all ranks have called it.

    The photographs that can't be decoded are counted on all ranks together. What `act` raises on one rank,
    all of them raise. Where the images are not read from files, nothing is exchanged.

    Raises:
        MachineError: the ranks together have met more bad photographs than data.bad_photographs.
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
