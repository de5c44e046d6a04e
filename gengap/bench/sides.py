"""A side of the comparison: a separate process, stopped while the other side is measured."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path
from typing import Any, Self

from gengap.config.schema import Config
from gengap.errors import UserError

_PACKAGES = Path(__file__).parents[2]  # folder from which gengap is imported
_started: set["subprocess.Popen[bytes]"] = set()


@dataclass(frozen=True)
class Startup:
    """Time in seconds that a side took before it ran steadily, and what runs its updates."""

    seconds: float  # time to import, build and move the data
    first_update: float  # including compilation and kernel selection
    engine: str
    versions: dict[str, str]  # versions of the libraries being measured


class Side:
    """One process, which is stopped, together with its workers, between calls.

    Args:
        kind: kind of updates it makes, a key of loops.LOOPS or peers.PEERS.
        config: configuration of the run it trains.
        python: interpreter to use, which must have the packages that `kind` imports.

    Raises, on entering the context and in its methods:
        UserError: the process died, or its DataLoader found no room in shared memory.
    """

    def __init__(self, kind: str, config: Config, python: str = sys.executable) -> None:
        self._task, self._python = (kind, config), python

    def __enter__(self) -> Self:
        self._connection, theirs = Pipe()
        paths = [str(_PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])]
        command = [self._python, "-m", "gengap.bench.serve", str(theirs.fileno())]
        # It leads its own process group, which includes its DataLoader's workers and ignores a terminal's
        # Ctrl-C
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            process_group=0,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        )
        _started.add(self._process)
        theirs.close()
        self.startup: Startup = self._answer(self._task)
        return self

    def __exit__(self, *exception: object) -> None:
        _signal(self._process, signal.SIGCONT)
        self._connection.close()  # ends the process and its workers
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=10)
        _end(self._process)

    def seconds(self, updates: int) -> float:
        """Time in seconds for this number of updates."""
        return float(self._ask(("updates", updates)))

    def peak_memory(self) -> float:
        """Peak memory of the process in MiB; on a GPU, that of its allocations there."""
        return float(self._ask(("memory", 0)))

    def _ask(self, request: tuple[str, int]) -> Any:
        _signal(self._process, signal.SIGCONT)
        return self._answer(request)

    def _answer(self, request: tuple[str, Any]) -> Any:
        try:
            self._connection.send(request)
            answer = self._connection.recv()
        except (EOFError, ConnectionError):
            raise UserError(f"a measured process {self._how_it_ended()}") from None
        if isinstance(answer, UserError):
            raise answer
        _signal(self._process, signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)  # wait until it stops
        return answer

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            code = 0
        if code >= 0:
            return "ended; its error message is above"
        return f"was killed ({signal.Signals(-code).name}), as happens when memory is full"


def end_sides() -> None:
    """Kill every side started by this process, including their workers."""
    for process in list(_started):
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    _signal(process, signal.SIGKILL)
    process.wait()
    _started.discard(process)


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
