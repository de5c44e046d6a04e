"""A side of the comparison: a separate process, stopped while the other side is measured."""

import os
import re
import resource
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

from gengap.config.schema import Config
from gengap.errors import UserError

MIB = 2**20
_HELD = {signal.SIGINT, signal.SIGTERM}
_NO_ROOM = (
    "a measured DataLoader finds no room in shared memory: make /dev/shm larger (docker run --shm-size=2g), "
    "then run the same command again"
)


@dataclass(frozen=True)
class Startup:
    """What a side took, in seconds, before it ran steadily, and what runs its updates."""

    seconds: float  # to import, build and move the data
    first_update: float  # including compilation and choice of kernels
    engine: str


class Side:
    """One process; neither it nor its workers run between two calls.

    Raises, on entering the context and in its methods:
        UserError: the process died, or its DataLoader found no room in shared memory.
    """

    def __init__(self, kind: str, config: Config) -> None:
        context = get_context("spawn")
        self._connection, self._process_end = context.Pipe()
        # Not a daemon, which may not start the DataLoader's workers. Closing the pipe ends it.
        self._process = context.Process(target=_serve, args=(kind, config, self._process_end))

    def __enter__(self) -> Self:
        # Ctrl-C on a terminal reaches all processes; only the command reacts, once it can end this one
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._process_end.close()
        self.startup: Startup = self._answer()
        return self

    def __exit__(self, *exception: object) -> None:
        self._signal(signal.SIGCONT)
        self._connection.close()  # ends the process and its workers
        self._process.join(timeout=10)
        self._signal(signal.SIGKILL)
        self._process.join()

    def seconds(self, updates: int) -> float:
        """Time for this number of updates."""
        return float(self._ask(("updates", updates)))

    def peak_memory(self) -> float:
        """Peak memory of the process in MiB; on a GPU, of its allocations there."""
        return float(self._ask(("memory", 0)))

    def _ask(self, request: tuple[str, int]) -> Any:
        self._signal(signal.SIGCONT)
        return self._answer(request)

    def _answer(self, request: tuple[str, int] | None = None) -> Any:
        try:
            if request is not None:
                self._connection.send(request)
            answer = self._connection.recv()
        except (EOFError, ConnectionError):
            raise UserError(f"a measured process {self._end()}") from None
        if isinstance(answer, UserError):
            raise answer
        self._signal(signal.SIGSTOP)
        assert self._process.pid is not None
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)  # until it has stopped
        return answer

    def _end(self) -> str:
        self._process.join(timeout=10)
        code = self._process.exitcode or 0
        if code >= 0:
            return "ended; its error message is above"
        return f"was killed ({signal.Signals(-code).name}), as happens when memory is full"

    def _signal(self, number: signal.Signals) -> None:
        # The process leads a group of its own, which includes its DataLoader's workers
        if self._process.pid is not None and self._process.is_alive():
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                self._process.kill()


def end_sides() -> None:
    """Kill every side that this process has started, with its workers."""
    for process in active_children():
        assert process.pid is not None
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()  # where it has no group yet


def _serve(kind: str, config: Config, parent: Connection) -> None:
    os.setpgrp()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # which ends the DataLoader's workers
    try:
        _run(kind, config, parent)
    except (EOFError, BrokenPipeError):  # the parent has ended, or was stopped
        return
    except Exception as error:
        from gengap.data.shared_memory import is_full

        if not is_full(error):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what is left of the DataLoader prints a traceback
        with suppress(ConnectionError):
            parent.send(UserError(_NO_ROOM))


def _run(kind: str, config: Config, parent: Connection) -> None:
    """Answer the parent's requests, until it closes the pipe."""
    started = time.perf_counter()
    import torch

    from gengap.bench.loops import LOOPS

    update, engine = LOOPS[kind](config)
    on_gpu = config.runtime.device != "cpu" and torch.cuda.is_available()
    wait: Callable[[], None] = torch.cuda.synchronize if on_gpu else _nothing
    wait()
    built = time.perf_counter()
    _timed(update, 1, wait)
    parent.send(Startup(built - started, time.perf_counter() - built, engine))
    while True:
        request, count = parent.recv()
        parent.send(_timed(update, count, wait) if request == "updates" else peak_memory(on_gpu))


def peak_memory(on_gpu: bool) -> float:
    """Peak memory of this process in MiB; on a GPU, of its allocations there."""
    if on_gpu:
        import torch

        return torch.cuda.max_memory_allocated() / MIB
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would include the parent's memory from before the exec
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        if found:
            return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _timed(update: Callable[[], object], count: int, wait: Callable[[], None]) -> float:
    started = time.perf_counter()
    for _ in range(count):
        update()
    wait()
    return time.perf_counter() - started


def _nothing() -> None:
    """CPU operations are complete when they return."""
