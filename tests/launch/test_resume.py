"""A run that is killed or stopped at any time and resumed equals an uninterrupted one, bit for bit."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gengap.config.identity import run_directory
from gengap.config.schema import Config
from gengap.errors import UnreadableError
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.launch.stop import SIGNALS, Stop
from gengap.runs.record import METRICS, NEWEST, PREVIOUS, RECORD
from gengap.training import loop

pytestmark = pytest.mark.slow

SHORT = ("workload.epochs=6", "workload.milestones=[4]", "runtime.keep_weights=true", "runtime.threads=1")
EVERY_UPDATE = "runtime.checkpoint_seconds=0"

# `gengap train` that kills itself with SIGKILL at the n-th call of a function, before or halfway through it
DRIVER = """
import os, signal, sys
from gengap.runs import checkpoint, store
from gengap.training import loop
from gengap.training.trainer import Trainer
where, nth = sys.argv[1], int(sys.argv[2])
sys.argv[1:] = sys.argv[3:]
calls = 0
def die_at(function, half=None):
    def wrapped(*args, **kwargs):
        global calls
        calls += 1
        if calls == nth:
            if half:
                half(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kwargs)
    return wrapped
def half_a_row(run, row):
    with (run.directory / "metrics.jsonl").open("a") as file:
        file.write('{"update": 12')
def half_a_checkpoint(path, data):
    path.with_name(path.name + ".part").write_bytes(data[: len(data) // 2])
if where == "update":
    Trainer.train_step = die_at(Trainer.train_step)
elif where == "row":
    store.Run.append_metrics = die_at(store.Run.append_metrics, half_a_row)
elif where == "checkpoint":
    checkpoint.write_atomically = die_at(checkpoint.write_atomically, half_a_checkpoint)
elif where == "after":
    loop.save = die_at(loop.save, loop.save)
from gengap.cli.train import main
sys.exit(main(sys.argv[1:]))
"""


def train(
    results: Path, *overrides: str, die: tuple[str, int] = ("never", 0)
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", DRIVER, die[0], str(die[1]), "+experiment=digits_lb_gbn", *SHORT]
    command += [f"results_dir={results}", *overrides]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def outcome(results: Path) -> tuple[list[dict], dict, dict]:
    """The run's metrics without `seconds`, its summary and its weights."""
    (directory,) = results.glob("runs/*/seed0")
    rows = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    for row in rows:
        del row["seconds"]
    summary = json.loads((directory / "run.json").read_text())["summary"]
    return rows, summary, torch.load(directory / "weights.pt", weights_only=True)


def train_whole_and_in_pieces(cell: Callable[..., Config], folder: Path, *overrides: str) -> None:
    """Train a run uninterrupted, and with stops after each of its first updates; compare bit for bit."""
    whole, pieces = (
        cell("lb_gbn", *SHORT, *overrides, f"results_dir={folder / n}") for n in ("whole", "pieces")
    )
    assert execute(whole) == Outcome.FINISHED
    pieces.runtime.time_budget = 1e-9
    for _ in range(4):
        assert execute(pieces) == Outcome.STOPPED
    pieces.runtime.time_budget = None
    assert execute(pieces) == Outcome.FINISHED
    assert_same(outcome(folder / "pieces"), outcome(folder / "whole"))


def assert_same(found, expected) -> None:
    assert found[0] == expected[0]
    assert found[1] == expected[1]
    assert found[2].keys() == expected[2].keys()
    assert all(torch.equal(found[2][k], expected[2][k]) for k in expected[2])


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    results = tmp_path_factory.mktemp("uninterrupted")
    done = train(results)
    assert done.returncode == 0, done.stderr
    return outcome(results)


@pytest.mark.parametrize(
    ("where", "nth"),
    [("update", 1), ("update", 9), ("row", 5), ("checkpoint", 1), ("checkpoint", 7), ("after", 11)],
)
def test_run_killed_by_sigkill_resumes_bit_equal(where, nth, digits, tmp_path, uninterrupted):
    killed = train(tmp_path, EVERY_UPDATE, die=(where, nth))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (directory,) = tmp_path.glob("runs/*/seed0")
    assert json.loads((directory / "run.json").read_text())["status"] == "running"
    assert execute(digits("lb_gbn", *SHORT, EVERY_UPDATE)) == Outcome.FINISHED
    assert_same(outcome(tmp_path), uninterrupted)
    assert not (directory / NEWEST).exists()


@pytest.mark.parametrize("number", SIGNALS, ids=str)
def test_signals_save_and_log_how_to_continue(number, digits, monkeypatch, uninterrupted, caplog, tmp_path):
    config = digits("lb_gbn", *SHORT)
    update = loop.Trainer.train_step

    def interrupted(trainer, k):
        update(trainer, k)
        if k == 6:
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    caplog.set_level("INFO")
    monkeypatch.setattr(loop.Trainer, "train_step", interrupted)
    stop = Stop(None)
    assert execute(config, stop) == Outcome.STOPPED
    monkeypatch.undo()
    assert stop.exit_code == 128 + number
    assert signal.getsignal(number) is before
    assert "after update 7 of 16 and saved; run the same command again to continue" in caplog.text
    state = torch.load(run_directory(config) / NEWEST, weights_only=True)
    assert state["done"] == 7
    assert execute(config) == Outcome.FINISHED
    assert "resuming after update 7 of 16" in caplog.text
    assert_same(outcome(tmp_path), uninterrupted)


def test_run_stopped_by_the_time_budget_resumes_bit_equal(digits, uninterrupted, tmp_path):
    stop = Stop(1e-9)
    assert execute(digits("lb_gbn", *SHORT), stop) == Outcome.STOPPED
    assert stop.exit_code == 75
    assert execute(digits("lb_gbn", *SHORT)) == Outcome.FINISHED
    assert_same(outcome(tmp_path), uninterrupted)


def flip(data: bytes, byte: int, bit: int = 0) -> bytes:
    return data[:byte] + bytes([data[byte] ^ 1 << bit]) + data[byte + 1 :]


def stopped_twice(digits: Callable[..., Config]) -> Path:
    """The directory of a run stopped after its second and third update, with a checkpoint of each."""
    config = digits("lb_gbn", *SHORT, EVERY_UPDATE, "runtime.time_budget=1e-9")
    for _ in range(3):
        assert execute(config) == Outcome.STOPPED
    directory = run_directory(config)
    saved = [torch.load(directory / name, weights_only=True)["done"] for name in (PREVIOUS, NEWEST)]
    assert saved == [2, 3]
    return directory


DAMAGE = {
    "cut off": lambda data: data[: len(data) // 2],
    "appended": lambda data: data + b"\0",
    "a flipped bit": lambda data: flip(data, len(data) // 2, 7),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_checkpoint_falls_back_to_the_previous_one(damage, digits, uninterrupted, tmp_path, caplog):
    directory = stopped_twice(digits)
    (directory / NEWEST).write_bytes(damage((directory / NEWEST).read_bytes()))
    caplog.clear()
    caplog.set_level("INFO")
    assert execute(digits("lb_gbn", *SHORT)) == Outcome.FINISHED
    (line,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert line.startswith(f"{directory}: checkpoint.pt can't be used (damaged: ")
    assert line.endswith("): continuing from checkpoint.previous.pt")
    assert "resuming after update 2 of 16" in caplog.text
    assert_same(outcome(tmp_path), uninterrupted)


def test_changed_metrics_fall_back_to_the_checkpoint_before_the_change(
    digits, uninterrupted, tmp_path, caplog
):
    directory = stopped_twice(digits)
    *before, last = (directory / METRICS).read_bytes().splitlines(keepends=True)
    (directory / METRICS).write_bytes(b"".join(before) + last.replace(b'"update": 3', b'"update": 4'))
    assert execute(digits("lb_gbn", *SHORT)) == Outcome.FINISHED
    assert "checkpoint.pt can't be used (metrics.jsonl has changed since): continuing from" in caplog.text
    assert_same(outcome(tmp_path), uninterrupted)


def test_a_run_starts_over_only_when_told(digits, uninterrupted, tmp_path, caplog):
    directory = stopped_twice(digits)
    first = (directory / METRICS).read_bytes()
    (directory / METRICS).write_bytes(flip(first, 12))
    for _ in range(2):
        caplog.clear()
        assert execute(digits("lb_gbn", *SHORT)) == Outcome.FAILED
        (line,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
        assert line == (
            f"gengap: {directory}: checkpoint.pt can't be used (metrics.jsonl has changed since), "
            "checkpoint.previous.pt can't be used (metrics.jsonl has changed since): "
            "restore both, or delete both to start over"
        )
        assert (directory / METRICS).read_bytes() == flip(first, 12)
    (directory / NEWEST).unlink()
    (directory / PREVIOUS).unlink()
    assert execute(digits("lb_gbn", *SHORT)) == Outcome.FINISHED
    assert_same(outcome(tmp_path), uninterrupted)


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("lb_gbn", ["seed=1"]),
        ("lb_gbn", ["precision=bf16"]),
        ("lb_lr", []),
        ("lb_gbn", ["workload.lr=[1,2]"]),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(method, words, digits, caplog):
    stop = "runtime.time_budget=1e-9"
    own, other = digits("lb_gbn", *SHORT, stop), digits(method, *SHORT, stop, *words)
    here, there = run_directory(own), run_directory(other)
    for config in (own, other):
        assert execute(config) == Outcome.STOPPED
    for name in (NEWEST, METRICS):
        shutil.copy(there / name, here / name)
    caplog.clear()
    assert execute(own) == Outcome.FAILED
    (line,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    other_name, name = (f"{folder.parent.name}/{folder.name}" for folder in (there, here))
    assert line.startswith(
        f"gengap: {here / NEWEST} is of another run, {other_name}, and this one is {name}: "
    )
    shutil.copy(there / RECORD, here / RECORD)
    with pytest.raises(UnreadableError, match=f"of another run, {other_name}, than its folder's"):
        execute(own)


def test_a_checkpoint_from_before_checksums_and_names_is_continued(digits, uninterrupted, tmp_path, caplog):
    directory = stopped_twice(digits)
    new = ("run", "metrics_sha256")
    for name in (PREVIOUS, NEWEST):
        state = torch.load(directory / name, weights_only=True)
        torch.save({k: v for k, v in state.items() if k not in new}, directory / name)
    old = (directory / NEWEST).read_bytes()
    (directory / NEWEST).write_bytes(flip(old, old.index(state["weights"].numpy().tobytes()) + 5))
    assert execute(digits("lb_gbn", *SHORT)) == Outcome.FINISHED
    assert "checkpoint.pt can't be used (damaged: wrong checksum of " in caplog.text
    assert_same(outcome(tmp_path), uninterrupted)


def test_resume_under_the_released_code_protocol(digits, tmp_path):
    train_whole_and_in_pieces(digits, tmp_path, "protocol=bigbatch", "method.gradient_noise=2")


@pytest.mark.parametrize(
    "words",
    [
        ["workload.optimizer=adam", "method.proximal=0.1"],
        ["method.earlier_batches=[16,64]", "method.batch_milestones=[0.02,0.3]", "data.rotation=10"],
        ["method.adversarial=0.1", "data.shift=0.2"],
    ],
    ids=["adam, conservative", "growing batch, rotation", "adversarial, shift"],
)
def test_resume_with_what_keskar_adds(words, digits, tmp_path):
    train_whole_and_in_pieces(digits, tmp_path, *words)
