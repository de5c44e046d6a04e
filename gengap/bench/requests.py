"""Requests from the command to a side's process, answered after the update that completes them."""

import re
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from gengap.bench.sides import Startup
from gengap.config.schema import Config

MIB = 2**20


class Requests:
    """Times updates: the code making them calls `built` before the first and `after_update` after each.

    This way, a trainer whose loop can't be left, such as Lightning's, is timed like one that makes single
    updates.
    """

    def __init__(self, parent: Connection, config: Config) -> None:
        self._begun = time.perf_counter()
        import torch

        self._parent, self._left = parent, 1
        self._on_gpu = config.runtime.device != "cpu" and torch.cuda.is_available()
        self._wait: Callable[[], None] = torch.cuda.synchronize if self._on_gpu else _nothing
        self._startup: Startup | None = None

    def built(self, engine: str, versions: Mapping[str, str] | None = None) -> None:
        """Report that everything is ready for the first update."""
        self._wait()
        now = time.perf_counter()
        self._startup = Startup(now - self._begun, 0.0, engine, dict(versions or {}))
        self._begun = now

    def after_update(self) -> None:
        """Count an update; if it was the last one requested, answer and wait for the next request.

        Raises:
            EOFError: the command has exited.
            ConnectionError: likewise.
        """
        self._left -= 1
        if self._left:
            return
        self._wait()
        seconds = time.perf_counter() - self._begun
        first, self._startup = self._startup, None
        self._parent.send(seconds if first is None else replace(first, first_update=seconds))
        while not self._left:
            request, count = self._parent.recv()
            if request == "memory":
                self._parent.send(peak_memory(self._on_gpu))
            else:
                self._left = count
        self._begun = time.perf_counter()


def peak_memory(on_gpu: bool) -> float:
    """Peak memory of this process in MiB; on a GPU, that of its allocations there."""
    if on_gpu:
        import torch

        return torch.cuda.max_memory_allocated() / MIB
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would include the parent's memory before exec
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        if found:
            return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _nothing() -> None:
    """Do nothing to synchronize: CPU operations are complete when they return."""
