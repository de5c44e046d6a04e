"""glibc's allocator, set up for tensors that are freed and needed again at every update."""

import ctypes
import os
import sys

ROOMY = 0.4  # of the machine's memory: FRAGMENTATION times as much, and the data set, still fit
FRAGMENTATION = 1.8  # kept memory in multiples of what is needed: the most measured (VGG, 4096 images, fp32)
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # malloc.h
_KEPT = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 64 << 20))
_DEFAULTS = ((_M_MMAP_MAX, 65536), (_M_TRIM_THRESHOLD, 128 << 10), (_M_TOP_PAD, 128 << 10))


def has_room(update_bytes: int) -> bool:
    """Whether this machine keeps the freed memory of updates that need so much; Linux with glibc only."""
    if sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"):  # another C library
        return False
    return update_bytes < ROOMY * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def keep_freed_memory(update_bytes: int) -> None:
    """Make glibc keep the memory of freed tensors for later ones, where the machine has room for that.

    By default it returns big blocks to the kernel and gets them back zeroed at every update, which takes up
    to half the time. But kept memory fragments: an update that needs a large part of the machine's memory
    goes without.

    Args:
        update_bytes: what an update needs.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if sys.platform == "linux" and mallopt is not None:
        for setting, value in _KEPT if has_room(update_bytes) else _DEFAULTS:
            mallopt(setting, value)
