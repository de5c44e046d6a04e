"""Tune glibc's allocator for tensors that are freed and reallocated at every update."""

import ctypes
import os
import sys

ROOMY = 0.4  # fraction of the machine's memory; FRAGMENTATION times that, plus the data set, still fits
FRAGMENTATION = 1.8  # memory kept / memory needed, the largest ratio measured (VGG, 4096 images, fp32)
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # malloc.h
_KEPT = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 64 << 20))
_DEFAULTS = ((_M_MMAP_MAX, 65536), (_M_TRIM_THRESHOLD, 128 << 10), (_M_TOP_PAD, 128 << 10))


def has_room(update_bytes: int) -> bool:
    """Whether to keep freed memory for updates that need `update_bytes`; only on Linux with glibc."""
    if sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"):
        return False
    return update_bytes < ROOMY * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def keep_freed_memory(update_bytes: int) -> None:
    """Make glibc keep the memory of freed tensors for reuse, if the machine has room for it.

    By default, glibc returns large blocks to the kernel and gets them back zeroed at every update, which
    takes up to half of the time. Memory that is kept becomes fragmented, however, so updates that need a
    large part of the machine's memory run with the defaults.

    Args:
        update_bytes: memory an update needs, in bytes.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if sys.platform == "linux" and mallopt is not None:
        for setting, value in _KEPT if has_room(update_bytes) else _DEFAULTS:
            mallopt(setting, value)
