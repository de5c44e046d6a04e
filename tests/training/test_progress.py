"""The progress of a run: a bar on a terminal, plain lines elsewhere."""

import io
import os
import pty
import subprocess
import sys
import termios

import pytest

from gengap.training import progress as module
from gengap.training.progress import Progress

pytestmark = pytest.mark.slow

ROW = {"train_error": 12.345, "val_error": 6.789}


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def shown(monkeypatch):
    """A bar for 40 updates of 100 images, and the terminal that it is drawn on."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress("a_run", updates=40, images=lambda updates: 100 * updates) as progress:
        yield progress, terminal


def test_bar_counts_images_and_shows_the_latest_errors(shown):
    progress, terminal = shown
    progress.start(0)
    progress.advance(10)
    progress.show(ROW)
    progress.show({"distance": 1.0})  # a row without an evaluation changes nothing
    progress.advance(40)
    progress.__exit__()
    last = terminal.getvalue().split("\r")[-1]
    assert last.startswith("a_run: 100%")
    assert "4.00k/4.00k" in last
    assert "train error 12.35%, validation error 6.79%" in last


def test_bar_of_a_resumed_run_starts_at_its_update(shown):
    progress, terminal = shown
    progress.start(30)
    assert "3.00k/4.00k" in terminal.getvalue().split("\r")[-1]
    progress.advance(31)
    progress.__exit__()
    assert "3.10k/4.00k" in terminal.getvalue().split("\r")[-1]


def test_plain_lines_show_the_rate_since_the_start_and_the_time_left(monkeypatch, capsys):
    clock = iter([0.0, 100.0, 110.0, 120.0, 120.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    progress = Progress("a_run", updates=40, images=lambda updates: 100 * updates)
    progress.start(20)  # at 100 s
    progress.show(ROW)
    progress.advance(25)  # at 110 s: the first update, which may have compiled, counts for nothing
    assert capsys.readouterr().err == ""
    progress.advance(30)  # at 120 s: 5 updates in 10 s
    line = "a_run: update 30/40, 50 images/s, 20 s left, train error 12.35%, validation error 6.79%\n"
    assert capsys.readouterr().err == line


@pytest.mark.parametrize("size", [(24, 120), (0, 0)])
def test_run_on_a_terminal_shows_a_bar(size, tmp_path):
    words = ["train", "+experiment=digits_lb", "runtime.threads=1"]
    here, there = pty.openpty()
    termios.tcsetwinsize(there, size)
    with subprocess.Popen(
        [sys.executable, "-m", "gengap", *words], cwd=tmp_path, stderr=there, stdout=there
    ) as process:
        os.close(there)
        text = b""
        while chunk := read(here):
            text += chunk
    os.close(here)
    assert process.returncode == 0
    assert "digits_f1-lb-40e2d883 seed0: 100%" in text.decode()
    assert "finished, validation accuracy" in text.decode()


def read(terminal: int) -> bytes:
    """The next output; empty when the other end is closed, which Linux reports as an error."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
