"""Standard streams that are closed, full or read by nobody end no training, and a command in one line."""

import errno
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gengap.cli.ending import run_command
from gengap.launch.stop import Stop
from gengap.training import progress as module
from gengap.training.progress import Progress

FULL = Path("/dev/full")
TRAIN = "train +experiment=digits_lb runtime.threads=1 workload.epochs=4 workload.milestones=[3]"


def closing(*numbers):
    """A function that closes these file descriptors, for the child of a fork."""
    return lambda: [os.close(number) for number in numbers]


@pytest.mark.slow
@pytest.mark.parametrize("closed", [(2,), (0, 1, 2)], ids=str)
def test_a_run_whose_streams_are_closed_trains(closed, tmp_path):
    command = [sys.executable, "-m", "gengap", *TRAIN.split()]
    done = subprocess.run(command, cwd=tmp_path, check=False, preexec_fn=closing(*closed))
    assert done.returncode == 0
    (record,) = tmp_path.glob("results/runs/*/seed0/run.json")
    assert '"status": "finished"' in record.read_text()
    assert "finished, validation accuracy" in (record.parent / "run.log").read_text()


@pytest.mark.slow
@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_to_a_full_disk_is_one_line(unbuffered, tmp_path):
    command = [sys.executable, "-m", "gengap", "status"]
    with FULL.open("w") as full:
        done = subprocess.run(
            command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    line = (
        "gengap: standard output: No space left on device; free some space, then run the same command again\n"
    )
    assert (done.returncode, done.stderr) == (1, line)


def raising(error):
    raise error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.EACCES, "Permission denied", "a/b"), "a/b: Permission denied; give yourself the"),
        (OSError(errno.ENOENT, "No such file or directory"), "the current folder: No such file or"),
        (
            OSError(errno.ENAMETOOLONG, "File name too long", "x" * 600),
            "File name too long; choose a shorter",
        ),
        (OSError(errno.EIO, "Input/output error", "a\nb"), "'a\\nb': Input/output error; check the disk, or"),
    ],
)
def test_any_error_of_the_system_ends_a_command_in_one_line(error, line, caplog):
    assert run_command(lambda: raising(error)) == 1
    (message,) = caplog.messages
    assert line in message
    assert "\n" not in message


def test_an_error_that_is_not_the_systems_keeps_its_traceback():
    with pytest.raises(OSError, match="a library's own"):
        run_command(lambda: raising(OSError("a library's own")))


class Broken(io.StringIO):
    """A stream whose writes fail."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize(
    "stream",
    [None, closed(), Broken(OSError(errno.EIO, "gone")), Broken(OSError(errno.ENOSPC, "full"))],
    ids=["none", "closed", "terminal is gone", "full"],
)
def test_progress_survives_a_stream_that_takes_nothing(stream, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    show_a_line(monkeypatch, Progress("a_run", 40, lambda updates: 100 * updates))


def test_training_is_saved_and_stops_when_nobody_reads_its_lines(monkeypatch):
    stop = Stop(None)
    monkeypatch.setattr(sys, "stderr", Broken(BrokenPipeError(errno.EPIPE, "Broken pipe")))
    show_a_line(
        monkeypatch, Progress("a_run", 40, lambda updates: 100 * updates, lambda: stop.record(signal.SIGPIPE))
    )
    assert (stop.reason(), stop.exit_code) == ("SIGPIPE", 128 + signal.SIGPIPE)


def show_a_line(monkeypatch, progress):
    monkeypatch.setattr(module, "LINE_SECONDS", -1)
    with progress:
        progress.advance(1)
        progress.advance(2)


@pytest.mark.slow
@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
@pytest.mark.parametrize("number", [1, 2], ids=["output", "errors"])
def test_a_measurement_whose_stream_is_full_is_made(number, tmp_path):
    words = "landscape walk +experiment=digits_lb runtime.threads=1 points=1 draws=3 sizes=[2,4]"
    with FULL.open("w") as full:
        streams = {1: subprocess.PIPE, 2: subprocess.PIPE} | {number: full}
        done = subprocess.run(
            [sys.executable, "-m", "gengap", *words.split()], cwd=tmp_path, check=False,
            stdout=streams[1], stderr=streams[2],
        )  # fmt: skip
    assert done.returncode == 0
    (record,) = tmp_path.glob("results/landscape/*/seed0/walk-*.json")
    assert '"status": "finished"' in record.read_text()


@pytest.mark.slow
@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
@pytest.mark.parametrize(
    ("words", "code"), [("status", 0), ("report", 1), ("nonsense", 2), ("train --help", 0)]
)
def test_the_exit_code_stays_when_errors_can_not_be_written(words, code, tmp_path):
    (tmp_path / "results" / "runs" / "a-b-c" / "seed0").mkdir(parents=True)
    (tmp_path / "results" / "runs" / "a-b-c" / "seed0" / "run.json").write_text("{")
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gengap", *words.split()], cwd=tmp_path, check=False,
            stdout=subprocess.PIPE, stderr=full,
        )  # fmt: skip
    assert done.returncode == code
