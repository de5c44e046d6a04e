"""Memory shared with the main process, for the pixels that a worker process decodes."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from gengap.faults import FULL, MachineError

_OURS = "find no room in shared memory"
_SAID_BY_TORCH = ("unable to allocate shared memory", "out of shared memory", "Bus error")


def room(*shape: int) -> Tensor:
    """Allocate an empty uint8 tensor of this shape; in a DataLoader worker, in shared memory.

    By default, a worker moves its result there in a thread whose errors the main process never sees, so the
    main process would wait forever.

    Raises:
        MachineError: there is no shared memory left.
    """
    pixels = torch.empty(shape, dtype=torch.uint8)
    if get_worker_info() is not None:
        try:
            pixels.share_memory_()
        except RuntimeError as error:
            raise _too_small(error) from error
    return pixels


@contextmanager
def starting_workers() -> Iterator[None]:
    """Report a clear error if there is no room for the semaphores of processes that the block starts.

    Raises:
        MachineError: there is no shared memory left.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise _too_small(error) from error


def is_full(error: Exception) -> bool:
    """Whether a DataLoader failed because its processes ran out of shared memory."""
    if isinstance(error, OSError):
        return error.errno in FULL
    return any(words in str(error) for words in (_OURS, *_SAID_BY_TORCH))


def _too_small(error: Exception) -> MachineError:
    return MachineError(
        f"decoded images {_OURS} ({str(error).splitlines()[0]}): make /dev/shm larger "
        "(docker run --shm-size=2g), or set runtime.workers=0, then run the same command again"
    )
