"""Stopping because of the time budget or a signal."""

import errno
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


def test_a_flag_file_is_complete_as_soon_as_it_is_there(tmp_path, monkeypatch):
    """A process that looks while the number is being written does not take the signal for another one."""
    first, second = (Stop(None, flag=tmp_path / "stop") for _ in range(2))
    seen = []

    def write_slowly(path, text):
        path.touch()
        seen.append(second.reason())
        path.write_bytes(text.encode())

    monkeypatch.setattr("pathlib.Path.write_text", write_slowly)
    first.record(signal.SIGINT)
    assert seen == [None]
    assert second.reason() == "SIGINT"


def test_on_a_full_disk_the_flag_file_stops_the_others_without_the_number(tmp_path, monkeypatch):
    def fail(path, text):
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", fail)
    first, second = (Stop(None, flag=tmp_path / "stop") for _ in range(2))
    first.record(signal.SIGINT)
    assert second.reason() == "SIGTERM"


def test_ranks_stop_together_with_the_signal_of_any_of_them():
    """And not before: a signal that comes after a rank was asked counts at the next update."""
    with Stop(None, patient=True) as first, Stop(None) as second:
        asked = []
        assert first.agreed(lambda mine: asked.append(mine) or first.record(signal.SIGTERM) or 0) is None
        assert asked == [0]
        assert first.agreed(lambda mine: asked.append(mine) or mine) == "SIGTERM"
        assert second.agreed(lambda mine: max(mine, asked[-1])) == "SIGTERM"
        assert first.exit_code == second.exit_code == 143
        assert Stop(None).agreed(lambda mine: 1) == "the time budget is used up"


def test_ranks_record_what_their_launcher_passes_on_again():
    with Stop(None, patient=True) as stop:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
    assert stop.reason() == "SIGTERM"


def test_a_signal_that_the_process_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stop(None) as stop:
            signal.raise_signal(signal.SIGHUP)
        assert stop.reason() is None
    finally:
        signal.signal(signal.SIGHUP, before)
