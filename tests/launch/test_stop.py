"""Stopping because of the time budget or a signal."""

import signal
import time

import pytest

from gengap.__main__ import dispatch
from gengap.errors import UNFINISHED
from gengap.launch.stop import SIGNALS, Stop

TRAIN = ["train", "+experiment=digits_lb", "runtime.threads=1"]


def test_time_budget_counts_from_the_start_of_the_command(tmp_path):
    """Two minutes after the start, a budget of one minute is used up, and one of an hour is not."""
    words = [*TRAIN, f"results_dir={tmp_path}"]
    began = time.time() - 120
    assert dispatch([*words, "runtime.time_budget=1"], began) == UNFINISHED
    assert list(tmp_path.glob("runs/*/seed0/run.json")) == []
    assert dispatch([*words, "runtime.time_budget=60"], began) == 0


@pytest.mark.parametrize(("budget", "started", "expected"), [(None, 0, None), (1, 0, "the time budget")])
def test_reason_is_the_time_budget_or_none(budget, started, expected):
    reason = Stop(budget, started).reason()
    assert reason is expected or reason.startswith(expected)


@pytest.mark.parametrize("number", SIGNALS, ids=str)
def test_processes_sharing_a_flag_file_stop_together(number, tmp_path):
    first, second = (Stop(None, flag=tmp_path / "stop") for _ in range(2))
    with first:
        signal.raise_signal(number)
    assert second.reason() == first.reason() == signal.Signals(number).name
    assert second.exit_code == 128 + number


def test_a_signal_that_the_process_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stop(None) as stop:
            signal.raise_signal(signal.SIGHUP)
        assert stop.reason() is None
    finally:
        signal.signal(signal.SIGHUP, before)
