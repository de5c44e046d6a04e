"""The processes that are measured side by side."""

import os
import signal
from multiprocessing import Pipe
from pathlib import Path

import pytest

from gengap.bench import loops, serve
from gengap.bench.cases import Case
from gengap.bench.sides import Side
from gengap.errors import UserError
from gengap.faults import MachineError

pytestmark = pytest.mark.slow

DIGITS = Case("digits_f1", "lb_gbn", ("fp32",))


def test_a_side_is_stopped_between_turns_and_reports_when_it_died() -> None:
    with Side("gengap", DIGITS.config("fp32")) as side:
        pid = side._process.pid
        assert pid is not None
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        assert state == "T"
        assert side.seconds(2) > 0
        assert side.peak_memory() > 50
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(UserError, match=r"a measured process was killed \(SIGKILL\), as happens when"):
            side.seconds(1)


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        RuntimeError(
            "unable to allocate shared memory(shm) for file </torch_1_2_0>: No space left on device"
        ),
        RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that ..."),
        MachineError("decoded images find no room in shared memory (...): ..."),
    ],
    ids=["semaphores", "pixels", "written", "decoded"],
)
def test_a_data_loader_without_shared_memory_is_one_line(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setitem(loops.LOOPS, "typical", lambda config: (fail, loops.ENGINE))
    monkeypatch.setattr(os, "dup2", lambda *descriptors: None)
    ours, theirs = Pipe()
    ours.send(("typical", DIGITS.config("fp32")))
    serve.serve(theirs)
    assert str(ours.recv()).startswith("a measured DataLoader finds no room in shared memory: make")


def test_any_other_error_of_a_side_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(loops.LOOPS, "typical", lambda config: (lambda: 1 / 0, loops.ENGINE))
    ours, theirs = Pipe()
    ours.send(("typical", DIGITS.config("fp32")))
    with pytest.raises(ZeroDivisionError):
        serve.serve(theirs)
