"""What other processes take of the cores, and the line that says so."""

import os
import time
from types import SimpleNamespace

import pytest

from gengap.launch import cpu_load as neighbours
from gengap.launch.cpu_load import Neighbours, crowded


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine whose clock, processors and process times are set by hand, in seconds."""
    stat = tmp_path / "stat"
    monkeypatch.setattr(neighbours, "STAT", stat)

    def at(clock, busy, own):
        ticks = round(busy * os.sysconf("SC_CLK_TCK"))
        stat.write_text(f"cpu  {ticks} 0 0 99999 77777 0 0 0 {ticks} 0\ncpu0 5 5 5 5\n")
        monkeypatch.setattr(time, "monotonic", lambda: clock)
        monkeypatch.setattr(os, "times", lambda: SimpleNamespace(user=0.75 * own, system=0.25 * own))

    return at


@pytest.mark.parametrize(("busy", "own", "expected"), [(6, 2, 2), (2, 2, 0), (3, 2, 0.5), (1.99, 2, 0)])
def test_what_others_work_is_all_work_less_our_own(busy, own, expected, machine):
    machine(clock=10, busy=100, own=7)
    seen = Neighbours()
    machine(clock=12, busy=100 + busy, own=7 + own)
    assert seen.busy_cores() == pytest.approx(expected)


def test_without_proc_nothing_is_known(monkeypatch, tmp_path):
    monkeypatch.setattr(neighbours, "STAT", tmp_path / "absent")
    assert Neighbours().busy_cores() == 0


@pytest.mark.parametrize(
    ("busy", "threads", "cores", "advice"),
    [
        (0.2, 2, 2, None),
        (2, 1, 2, None),  # a single thread waits for nobody
        (1, 2, 2, 1),
        (2, 2, 2, 1),
        (10, 16, 64, None),
        (10, 16, 16, 6),
        (0.6, 16, 16, 15),
        (99, 16, 16, 1),
    ],
)
def test_more_threads_than_free_cores_are_told(busy, threads, cores, advice):
    line = crowded(busy, threads, cores)
    assert line is None if advice is None else f"runtime.threads={advice} " in line
