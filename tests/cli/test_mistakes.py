"""What is typed, the one line that is said, and the exit code; nothing else is shown or left on the disk."""

import errno
import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gengap.__main__ import main
from gengap.launch import execute
from gengap.runs import checkpoint
from gengap.runs import store as runs
from gengap.runs.checkpoint import NEWEST, PREVIOUS

CELL = "train +experiment=digits_lb"
SHORT = " workload.epochs=4 workload.milestones=[3] runtime.threads=1 runtime.checkpoint_seconds=0"


@pytest.fixture
def gengap(tmp_path, monkeypatch, capsys):
    """Types a command in an empty folder; gives its exit code and what it printed on stderr and stdout."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(words):
        monkeypatch.setattr(logging.getLogger(), "handlers", [])  # else gengap adds none
        monkeypatch.setattr(sys, "argv", ["gengap", *words.split()])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return ended.value.code, without_memory(err), out

    return run


def without_memory(said):
    """The lines, but for what every run says of its memory and of the machine's other work."""
    told = ("an update needs about", "other work keeps")
    return [line for line in said.splitlines() if not any(words in line for words in told)]


TRANSCRIPT = (Path(__file__).parents[1] / "golden" / "mistakes.txt").read_text()


@pytest.mark.parametrize(("typed", "line"), re.findall(r"^\$ gengap (.*)\n(.*)$", TRANSCRIPT, re.MULTILINE))
def test_a_mistake_in_the_command(typed, line, gengap, tmp_path):
    assert gengap(typed) == (2, [line], "")
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_can_t_begin_leaves_nothing(gengap, tmp_path):
    code, said, _ = gengap(f"{CELL} method.batch_size=2048 results_dir=new/place")
    assert (code, len(said)) == (1, 1)
    assert said[0].startswith("gengap: method.batch_size=2048 is more than the 1437 training samples")
    assert list(tmp_path.iterdir()) == []


def test_a_limit_that_the_batch_exceeds_is_named(gengap):
    _, said, _ = gengap(f"{CELL} data.limit=100 results_dir=new/place")
    assert said[0].endswith("is more than the 100 training samples: lower it, or raise data.limit")


def test_our_own_error_leaves_its_traceback_in_the_run_s_log(gengap, tmp_path, monkeypatch):
    monkeypatch.setattr(execute, "load", lambda *_: 1 / 0)
    code, said, _ = gengap(CELL)
    assert (code, said[0]) == (1, "Traceback (most recent call last):")
    (log,) = tmp_path.rglob("run.log")
    assert "ZeroDivisionError" in log.read_text()


def test_a_sweep_goes_on_and_sums_up(gengap):
    sizes = "method.batch_size=2048,256,512"
    lr = "workload.lr=[1e30,1] method.clip_norm=null"
    code, said, _ = gengap(f"{CELL} -m {sizes} {SHORT}")
    assert code == 1
    assert said[0].startswith("gengap: method.batch_size=2048 is more than the 1437 training samples")
    assert said[-2] == "gengap: 3 runs: 2 finished, 1 failed"
    assert said[-1].startswith("  failed: results/runs/digits_f1-lb-")
    assert len(said) == 5
    again, said, _ = gengap(f"{CELL} -m method.batch_size=256,512 {SHORT}")
    assert (again, said[-1]) == (0, "gengap: 2 runs: 0 finished, 2 skipped")
    code, said, _ = gengap(f"{CELL} -m seed=0,1 {SHORT} {lr}")
    assert (code, said[2]) == (0, "gengap: 2 runs: 0 finished, 2 diverged")


def test_the_time_budget_is_that_of_the_whole_command(gengap):
    code, said, _ = gengap(f"{CELL} -m seed=0,1 runtime.time_budget=1e-9 {SHORT}")
    assert code == 75
    assert said == [
        "gengap: 2 runs: 0 finished, 2 not started (the time budget is used up; run the same command again "
        "to continue)"
    ]
    assert gengap(f"{CELL} -m seed=0,1 {SHORT}")[0] == 0


def test_a_run_in_another_process_s_hands_is_left_to_it(gengap, tmp_path):
    with runs.Run(tmp_path / "results" / "runs" / "digits_f1-lb-40e2d883" / "seed0"):
        code, said, _ = gengap(CELL)
    assert code == 75
    assert said == ["results/runs/digits_f1-lb-40e2d883/seed0 is being trained by another process: skipped"]


@pytest.mark.parametrize("full", ["save_checkpoint", "append_metrics", "update_record"])
def test_a_full_disk_is_said_in_one_line_and_loses_nothing(full, gengap, tmp_path, monkeypatch):
    calls = 0

    def fill_the_disk(*_, **__):
        nonlocal calls
        calls += 1
        if calls > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(*_, **__)

    with monkeypatch.context() as patch:
        where = checkpoint if full == "save_checkpoint" else runs.Run
        name = "write_atomically" if full == "save_checkpoint" else full
        original = getattr(where, name)
        patch.setattr(where, name, fill_the_disk)
        code, said, _ = gengap(CELL + SHORT)
    assert (code, len(said)) == (1, 1)
    assert said[0].endswith(
        "seed0: No space left on device; free some space, then run the same command again"
    )
    assert gengap(CELL + SHORT)[0] == 0
    assert gengap("status")[2].splitlines()[1].split()[1] == "1"


def stopped_run(gengap, tmp_path, monkeypatch):
    """The directory of a run with two checkpoints."""
    with monkeypatch.context() as patch:
        patch.setattr(execute, "_finish", lambda *_: 1 / 0)
        gengap(CELL + SHORT)
    (found,) = tmp_path.glob("results/runs/*/seed0")
    return found


def test_damaged_checkpoints_are_said(gengap, tmp_path, monkeypatch):
    directory = stopped_run(gengap, tmp_path, monkeypatch)
    whole = (directory / NEWEST).read_bytes()
    (directory / NEWEST).write_bytes(whole[: len(whole) // 2])
    said = gengap(CELL + SHORT + " runtime.time_budget=null")[1]
    assert said[0].startswith("results/runs/")
    assert "checkpoint.pt is damaged (RuntimeError): continuing from the one before it" in said[0]
    assert said[1].endswith("seed0: continues after update 11 of 11")
    assert said[2].endswith("%")


def test_without_a_whole_checkpoint_the_run_starts_anew_and_says_so(gengap, tmp_path, monkeypatch):
    directory = stopped_run(gengap, tmp_path, monkeypatch)
    (directory / NEWEST).write_bytes(b"")
    (directory / PREVIOUS).write_bytes(b"no checkpoint at all")
    code, said, _ = gengap(CELL + SHORT)
    assert (code, len(said)) == (0, 3)
    assert "checkpoint.pt is damaged (EOFError): continuing from the one before it" in said[0]
    assert "checkpoint.previous.pt is damaged (UnpicklingError): starting from scratch" in said[1]


@pytest.mark.parametrize("change", [{"weights": torch.zeros(3)}, {"buffers": {}}, {"marks": {"other": 1}}])
def test_another_version_s_checkpoint_is_said(change, gengap, tmp_path, monkeypatch):
    directory = stopped_run(gengap, tmp_path, monkeypatch)
    state = torch.load(directory / NEWEST, weights_only=True)
    torch.save(state | change, directory / NEWEST)
    code, said, _ = gengap(CELL + SHORT)
    assert (code, len(said)) == (1, 1)
    assert "checkpoint.pt does not match this network" in said[0]
    assert "delete it to restart from scratch" in said[0]


def test_two_runs_at_once_through_joblib(tmp_path):
    """In processes of their own, with our lines and codes; the failed one stops nobody."""
    words = f"{CELL} -m method.batch_size=256,512,2048 hydra/launcher=joblib hydra.launcher.n_jobs=2 {SHORT}"
    command = [sys.executable, "-m", "gengap", *words.replace(" runtime.threads=1", "").split()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    said = without_memory(done.stderr)
    assert done.returncode == 1, done.stderr
    assert said[-2] == "gengap: 3 runs: 2 finished, 1 failed"
    assert len(said) == 5
    assert {json.loads(r.read_text())["hardware"]["threads"] for r in tmp_path.rglob("run.json")} == {1}
    assert [p.name for p in tmp_path.iterdir()] == ["results"]


def test_a_damaged_record_stops_no_sweep(gengap, tmp_path):
    directory = tmp_path / "results" / "runs" / "digits_f1-lb-40e2d883" / "seed0"
    directory.mkdir(parents=True)
    (directory / "run.json").write_text("{")
    code, said, _ = gengap(f"{CELL} -m seed=0,1 runtime.threads=1")
    assert code == 1
    assert "seed0/run.json is damaged" in said[0]
    assert said[2:] == [
        "gengap: 2 runs: 1 finished, 1 failed",
        f"  failed: {directory.relative_to(tmp_path)}",
    ]


def test_a_network_of_one_s_own_gets_the_options_it_takes(gengap, tmp_path):
    (tmp_path / "my_networks.py").write_text(
        "from torch import nn\n"
        "def plain(num_classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes))\n"
        "def needy(num_classes, width, depth):\n"
        "    return plain(num_classes)\n"
    )
    code, said, _ = gengap(f"{CELL} {SHORT} model.name=my_networks:plain")
    left_out = (
        "model.name=my_networks:plain: the workload's in_features, width left out, which it doesn't take"
    )
    assert (code, said[0], len(said)) == (0, left_out, 2)
    code, said, _ = gengap(f"{CELL} model.name=my_networks:plain model.options.widht=3")
    assert (code, said) == (
        1,
        ["gengap: model.name=my_networks:plain takes no option widht, but none at all"],
    )
    code, said, _ = gengap(f"{CELL} model.name=my_networks:needy")
    assert (code, len(said)) == (1, 2)
    assert said[1].endswith("missing 1 required positional argument: 'depth'")
