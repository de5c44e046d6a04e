"""How many CPU cores there are to share."""

import os


def usable_cores() -> int:
    """Number of CPU cores this process may use, which a batch system may limit to fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
