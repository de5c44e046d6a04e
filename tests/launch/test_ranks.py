"""`gengap train` on several ranks: processes as torchrun starts them."""

import json
import os
import re
import subprocess
import sys
from functools import cache, partial
from pathlib import Path

import pytest
import torch

from gengap.config.identity import run_directory
from gengap.config.sweep import Job
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.launch.place import Place
from gengap.launch.stop import Stop
from gengap.launch.together import train_together
from gengap.runs.record import WEIGHTS
from gengap.runs.state import run_state
from tests.conftest import composed
from tests.launch.test_golden_run import GOLDEN, rows
from tests.ranks import free_port, pool

pytestmark = pytest.mark.slow

# `gengap train` in which something happens to rank 1, or another, in its third update
DRIVER = """
import os, signal, sys, time
from gengap.training.backward import Backward
what, _, rank = sys.argv.pop(1).partition(" of rank ")
calls, original = [], Backward.__call__
first = 5 if "method.proximal_steps=2" in sys.argv else 2  # in the middle of an update of two steps
def backward(*arguments):
    calls.append(1)
    if len(calls) == 1 + first and os.environ["RANK"] == (rank or "1"):
        if what in ("SIGKILL", "SIGTERM"):
            os.kill(os.getpid(), getattr(signal, what))
        elif what == "time":  # is used up, as this rank alone sees it
            now = time.time
            time.time = lambda: now() + 1e6
        elif what == "hang":
            with open(os.environ.get("HANGING", os.devnull), "w") as file:
                file.write(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGSTOP)
        elif what == "error":
            raise OSError(28, "No space left on device", "/images")
    return original(*arguments)
Backward.__call__ = backward
if what == "bug" and os.environ["RANK"] == "1":
    from gengap.launch import execute
    execute.build_regime = lambda *arguments: 1 / 0
from gengap.__main__ import main
sys.argv[0] = "gengap"
main()
"""


def run(folder: Path, *words: str, ranks: int = 2, what: str = "nothing") -> list[tuple[int, str]]:
    """Exit code and output of every rank."""
    # As gengap sets it before it imports torch, which the driver has imported by then
    quiet = {"TORCH_CPP_LOG_LEVEL": "ERROR"}
    environment = os.environ | quiet | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", DRIVER, what, "train", f"results_dir={folder}", *words],
            env=environment
            | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            | {"WORLD_SIZE": str(ranks), "LOCAL_WORLD_SIZE": str(ranks)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(ranks)
    ]
    first, _ = processes[0].communicate(timeout=120)
    if what == "hang":
        processes[1].kill()
    others = [process.communicate(timeout=60)[0] for process in processes[1:]]
    return [(p.returncode, text) for p, text in zip(processes, [first, *others], strict=True)]


def assert_close(found: Path, expected: Path) -> None:
    for new, old in zip(rows(found), rows(expected), strict=True):
        for key, value in old.items():
            absolute = 0.3 if key.endswith("_error") else 1e-6
            assert new[key] == pytest.approx(value, rel=1e-4, abs=absolute), (old["update"], key)


def test_a_mistake_is_said_once_and_all_exit_alike(tmp_path):
    (first, line), *others = run(tmp_path, "+experiment=digits_lb_gbn", ranks=3)
    assert first == 2
    assert "3 ranks can't share a batch of " in line.splitlines()[-1]
    assert others == [(2, "")] * 2


def test_a_signal_to_one_rank_stops_all_saved(tmp_path, digits):
    (first, text), other = run(tmp_path, "+experiment=digits_lb_gbn", what="SIGTERM")
    assert first == 143
    assert "stopped (SIGTERM) after update 3 of 28 and saved" in text
    assert other == (143, "")
    assert run_state(run_directory(digits("lb_gbn"))).done == 3


@pytest.fixture(scope="module")
def everyone():
    """Runs tasks on up to 4 ranks."""
    with pool(4) as run_tasks:
        yield run_tasks


ONE_THREAD = ("runtime.threads=1", "runtime.keep_weights=true")


PROXIMAL = ("method.proximal=3", "method.proximal_steps=2")


@pytest.fixture(scope="module")
def undisturbed(everyone, tmp_path_factory):
    """Gives the directory of a run on two ranks that nothing happens to."""

    @cache
    def train(*words):
        config = composed(["+experiment=digits_lb_gbn", *words], tmp_path_factory.mktemp("undisturbed"))
        assert everyone([(2, partial(trained, config, 0))]) == [[Outcome.FINISHED] * 2]
        return run_directory(config)

    return train


@pytest.mark.parametrize(
    ("what", "says", "code", "words"),
    [
        ("SIGKILL", "has ended unexpectedly", -9, ()),
        ("hang", "has not answered for 5 s", -9, ()),
        ("error", "/images: No space left on device; free some space", 1, PROXIMAL),
    ],
)
def test_a_rank_that_is_lost_is_named_and_the_run_goes_on_as_if_nothing_had_happened(
    what, says, code, words, tmp_path, digits, everyone, undisturbed
):
    words = [*ONE_THREAD, *words]
    # Only a rank that hangs is waited for: this long, and 300 s otherwise, more than `run` waits
    timeout = ("runtime.rank_timeout=5",) if what == "hang" else ()
    (first, text), other = run(tmp_path, "+experiment=digits_lb_gbn", *words, *timeout, what=what)
    assert first == 1
    (line,) = (line for line in text.splitlines() if line.startswith("gengap: rank 1 on "))
    assert says in line
    assert other == (code, "")
    config, expected = digits("lb_gbn", *words), undisturbed(*words)
    directory = run_directory(config)
    state = run_state(directory)
    assert (state.name, state.done) == ("interrupted", 2)  # saved, in the middle of the third update
    assert everyone([(2, partial(trained, config, 0))]) == [[Outcome.FINISHED] * 2]
    assert rows(directory) == rows(expected)
    weights, same = (torch.load(folder / WEIGHTS, weights_only=True) for folder in (directory, expected))
    assert all(torch.equal(weights[name], value) for name, value in same.items())


def test_the_loss_of_rank_0_is_said_by_another(tmp_path, digits):
    words = ("+experiment=digits_lb_gbn", "runtime.checkpoint_seconds=0")
    (first, _), (code, text) = run(tmp_path, *words, what="SIGKILL of rank 0")
    assert (first, code) == (-9, 1)
    assert re.fullmatch(r"gengap: rank 1: rank 0 (on \S+ )?has ended unexpectedly \(killed, .*\n", text)
    state = run_state(run_directory(digits("lb_gbn")))
    assert (state.name, state.done) == ("interrupted", 2)


def test_a_bug_on_one_rank_ends_all_of_them(tmp_path):
    (first, text), other = run(tmp_path, "+experiment=digits_lb_gbn", what="bug")
    assert first == 1
    assert text.splitlines()[-1].startswith("gengap: rank 1 on ")
    assert text.endswith(": ZeroDivisionError: division by zero\n")
    assert other == (1, "")


class StopAfter(Stop):
    """Stops after so many updates."""

    def __init__(self, updates: int) -> None:
        super().__init__(None)
        self._left = updates

    def reason(self):
        self._left -= 1
        return super().reason() or ("enough" if self._left < 0 else None)


def trained(config, updates, ranks):
    stop = StopAfter(updates) if updates else Stop(None)
    return train_together(Job((), config), stop, Place(threads=1, ranks=ranks), ranks)


def test_a_checkpoint_goes_on_with_any_number_of_ranks(digits, everyone):
    config = digits("lb_gbn")
    found = everyone([(4, partial(trained, config, 3)), (2, partial(trained, config, 2))])
    assert found == [[Outcome.STOPPED] * 4, [Outcome.STOPPED] * 2]
    directory = run_directory(config)
    assert run_state(directory).done == 5
    assert json.loads((directory / "run.json").read_text())["earlier"][0]["hardware"]["ranks"] == 4
    config.runtime.time_budget = 1e-9
    assert execute(config) == Outcome.STOPPED
    config.runtime.time_budget = None
    assert everyone([(4, partial(trained, config, 0))]) == [[Outcome.FINISHED] * 4]
    assert everyone([(2, partial(trained, config, 0))]) == [[Outcome.SKIPPED] * 2]
    assert_close(directory, GOLDEN)
