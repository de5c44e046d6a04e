"""Mistakes and failures: each gives one line and an exit code, and writes no other output or files."""

import errno
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gengap.launch import execute
from gengap.runs import checkpoint
from gengap.runs import store as runs
from gengap.runs.checkpoint import NEWEST, PREVIOUS

pytestmark = pytest.mark.slow

CELL = "train +experiment=digits_lb"
SHORT = " workload.epochs=4 workload.milestones=[3] runtime.threads=1 runtime.checkpoint_seconds=0"


@pytest.fixture
def gengap(command_line):
    """Runs a command line in an empty folder; returns exit code, lines on stderr and text on stdout."""

    def run(words):
        code, err, out = command_line(words.split())
        return code, without_notices(err), out

    return run


NOTICE = re.compile(
    r"estimated memory per update|^gengap: (\d+ runs$|\S+ seed\d+ in |in all: |"
    r"\S+: \d+ runs?, about |time of \d+ cells? not known: )"
)


def without_notices(stderr):
    """The lines of stderr without those that every command and run logs."""
    return [line for line in stderr.splitlines() if not NOTICE.search(line)]


TRANSCRIPT = (Path(__file__).parents[1] / "golden" / "mistakes.txt").read_text()


@pytest.mark.parametrize(("typed", "line"), re.findall(r"^\$ gengap (.*)\n(.*)$", TRANSCRIPT, re.MULTILINE))
def test_mistakes_in_the_command(typed, line, gengap, tmp_path):
    assert gengap(typed) == (2, [line], "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words", ["data.name=nothing:there", "model.name=tests.networks:features_only"], ids=["data", "network"]
)
def test_run_that_is_refused_before_its_first_update_leaves_no_files(words, gengap, tmp_path):
    code, lines, _ = gengap(f"{CELL} {words} results_dir=new/place")
    assert code == 2
    assert lines[-1].startswith(f"gengap: {words}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("method.batch_size=2048", "method.batch_size=2048 is more than the 1437 training samples: lower it"),
        (
            "data.holdout=400 data.limit=500",
            "method.batch_size=512 (workload.large_batch) is more than the 500 training samples: lower it, "
            "or raise data.limit",
        ),
        (
            "method.earlier_batches=[16,2000] method.batch_milestones=[1,2]",
            "method.earlier_batches=[16, 2000] are more than the 1437 training samples: lower them",
        ),
        (
            "data.holdout=1000",
            "method.batch_size=512 (workload.large_batch) is more than the 437 training samples: lower it",
        ),
        ("data.limit=1438", "data.limit=1438 is more than the 1437 training images: lower it"),
        (
            "workload.epochs=0.1 workload.milestones=[0.05]",
            "workload.epochs=0.1 is less than one update of 512 samples: raise workload.epochs",
        ),
    ],
)
def test_batch_that_a_shipped_data_set_can_not_fill_is_noticed_before_torch(
    words, line, gengap, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "gengap.launch.execute", None)  # importing it would fail
    assert gengap(f"{CELL} -m seed=0,1 {words}") == (2, [f"gengap: {line}"], "")
    assert list(tmp_path.iterdir()) == []


def test_unexpected_error_writes_its_traceback_to_run_log(gengap, tmp_path, monkeypatch):
    monkeypatch.setattr(execute, "load", lambda *_, **__: 1 / 0)
    code, lines, _ = gengap(CELL)
    assert (code, lines[0]) == (1, "Traceback (most recent call last):")
    (log,) = tmp_path.rglob("run.log")
    assert "ZeroDivisionError" in log.read_text()


def test_sweep_continues_after_a_failure_and_prints_a_summary(gengap):
    lr = "workload.lr=[1e30,1] method.clip_norm=null"
    code, lines, _ = gengap(f"{CELL} -m data.name=json:loads,digits method.batch_size=256,512 {SHORT}")
    assert code == 1
    assert lines[0].startswith("gengap: data.name=json:loads ")
    assert lines[-3] == "gengap: 4 runs: 2 finished, 2 refused"
    assert lines[-1].startswith("  refused: results/runs/digits_f1-lb-")
    assert len(lines) == 7
    again, lines, _ = gengap(f"{CELL} -m method.batch_size=256,512 {SHORT}")
    assert (again, lines[-1]) == (0, "gengap: 2 runs: 2 already finished")
    code, lines, _ = gengap(f"{CELL} -m seed=0,1 {SHORT} {lr}")
    assert (code, lines[2]) == (0, "gengap: 2 runs: 0 finished, 2 diverged")
    code, lines, _ = gengap(f"{CELL} -m seed=0,1,2 {SHORT} {lr}")
    assert (code, lines[1]) == (0, "gengap: 3 runs: 0 finished, 2 already diverged, 1 diverged")


def test_time_budget_covers_the_whole_command(gengap):
    code, lines, _ = gengap(f"{CELL} -m seed=0,1 runtime.time_budget=1e-9 {SHORT}")
    assert code == 75
    assert lines == [
        "gengap: 2 runs: 0 finished, 2 not started (the time budget is used up; run the same command again "
        "to continue)"
    ]
    assert gengap(f"{CELL} -m seed=0,1 {SHORT}")[0] == 0


def test_run_trained_by_another_process_is_skipped(gengap, tmp_path):
    with runs.Run(tmp_path / "results" / "runs" / "digits_f1-lb-40e2d883" / "seed0"):
        code, lines, _ = gengap(CELL)
    assert code == 75
    assert lines == ["results/runs/digits_f1-lb-40e2d883/seed0 is being trained by another process: skipped"]


@pytest.mark.parametrize("full", ["save_checkpoint", "append_metrics", "update_record"])
def test_full_disk_prints_one_line_and_the_run_can_be_resumed(full, gengap, tmp_path, monkeypatch):
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
        code, lines, _ = gengap(CELL + SHORT)
    assert (code, len(lines)) == (1, 1)
    assert lines[0].endswith(
        "seed0: No space left on device; free some space, then run the same command again"
    )
    assert gengap(CELL + SHORT)[0] == 0
    assert gengap("status")[2].splitlines()[1].split()[1] == "1"


def stopped_run(gengap, tmp_path, monkeypatch):
    """The directory of a run that failed at its very end, with two checkpoints."""
    with monkeypatch.context() as patch:
        patch.setattr(execute, "finish_record", lambda *_: 1 / 0)
        gengap(CELL + SHORT)
    (found,) = tmp_path.glob("results/runs/*/seed0")
    return found


def test_damaged_checkpoint_falls_back_to_the_previous_one_with_a_warning(gengap, tmp_path, monkeypatch):
    directory = stopped_run(gengap, tmp_path, monkeypatch)
    whole = (directory / NEWEST).read_bytes()
    (directory / NEWEST).write_bytes(whole[: len(whole) // 2])
    lines = gengap(CELL + SHORT + " runtime.time_budget=null")[1]
    assert lines[0].startswith("results/runs/")
    assert "checkpoint.pt can't be used (damaged: cut off, or not a checkpoint): continuing" in lines[0]
    assert lines[1].endswith("seed0: resuming after update 11 of 11")
    assert "seed0: finished" in lines[2]


def test_run_starts_over_only_when_told_if_all_checkpoints_are_damaged(gengap, tmp_path, monkeypatch):
    directory = stopped_run(gengap, tmp_path, monkeypatch)
    (directory / NEWEST).write_bytes(b"")
    (directory / PREVIOUS).write_bytes(b"no checkpoint at all")
    code, lines, _ = gengap(CELL + SHORT)
    assert (code, len(lines)) == (1, 1)
    assert lines[0].endswith(": restore both, or delete both to start over")
    (directory / NEWEST).unlink()
    (directory / PREVIOUS).unlink()
    assert gengap(CELL + SHORT)[0] == 0


@pytest.mark.parametrize("change", [{"weights": torch.zeros(3)}, {"buffers": {}}])
def test_checkpoint_of_another_version_is_rejected(change, gengap, tmp_path, monkeypatch):
    directory = stopped_run(gengap, tmp_path, monkeypatch)
    state = torch.load(directory / NEWEST, weights_only=True)
    torch.save(state | change, directory / NEWEST)
    code, lines, _ = gengap(CELL + SHORT)
    assert (code, len(lines)) == (1, 1)
    assert "checkpoint.pt does not match this network" in lines[0]
    assert "delete it, and checkpoint.previous.pt if there is one, to start over" in lines[0]


def test_joblib_launcher_trains_runs_in_parallel(tmp_path):
    """With the same messages and exit code as without a launcher; a failed run does not stop the others."""
    words = f"{CELL} -m data.name=digits,json:loads seed=0,1 {SHORT}"
    words += " hydra/launcher=joblib hydra.launcher.n_jobs=2"
    command = [sys.executable, "-m", "gengap", *words.replace(" runtime.threads=1", "").split()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    lines = without_notices(done.stderr)
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("estimated memory per update") == 1  # of a cell, whose other runs need as much
    assert lines[-3] == "gengap: 4 runs: 2 finished, 2 refused"
    assert len(lines) == 7
    assert {json.loads(r.read_text())["hardware"]["threads"] for r in tmp_path.rglob("run.json")} == {1}
    assert [p.name for p in tmp_path.iterdir()] == ["results"]


def test_sweep_continues_past_a_damaged_record(gengap, tmp_path):
    directory = tmp_path / "results" / "runs" / "digits_f1-lb-40e2d883" / "seed0"
    directory.mkdir(parents=True)
    (directory / "run.json").write_text("{")
    code, lines, _ = gengap(f"{CELL} -m seed=0,1 runtime.threads=1")
    assert code == 1
    assert "seed0/run.json is damaged" in lines[0]
    assert lines[2:] == [
        "gengap: 2 runs: 1 finished, 1 failed",
        f"  failed: {directory.relative_to(tmp_path)}",
    ]


def test_custom_network_gets_only_the_options_it_takes(gengap, tmp_path):
    (tmp_path / "my_networks.py").write_text(
        "from torch import nn\n"
        "def plain(num_classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes))\n"
        "def needy(num_classes, width, depth):\n"
        "    return plain(num_classes)\n"
    )
    code, lines, _ = gengap(f"{CELL} {SHORT} model.name=my_networks:plain")
    ignored = "model.name=my_networks:plain has no arguments for these options of the workload, so they are "
    ignored += "not set: in_features, width"
    assert (code, lines[0], len(lines)) == (0, ignored, 2)
    code, lines, _ = gengap(f"{CELL} model.name=my_networks:plain model.options.widht=3")
    assert (code, lines) == (
        2,
        ["gengap: model.name=my_networks:plain has no option widht: it takes none"],
    )
    code, lines, _ = gengap(f"{CELL} model.name=my_networks:needy")
    assert (code, len(lines)) == (2, 3)
    assert lines[2].endswith("missing 1 required positional argument: 'depth'")
