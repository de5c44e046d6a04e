"""`gengap landscape`: records, and what is skipped and continued."""

import errno
import json
import os
import signal
import sys
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from gengap.landscape.progress import Progress
from gengap.runs.measurements import Measuring
from tests.landscape.commands import LB, RUN, SB, files, nothing_measured, records
from tests.landscape.conftest import SHORT

pytestmark = pytest.mark.slow


def test_a_record_says_what_was_measured_where(gengap, trained):
    code, lines = gengap(f"sharpness {RUN} batch_norm=trained,batch epsilon=1e-3 subspace=3")
    assert code == 0
    assert lines[0] == "gengap: 2 records"
    assert lines[-1] == "gengap: 2 records of 1 run: 2 finished"
    found = records()
    assert len(found) == 2
    for name, record in found.items():
        assert name.startswith(f"{record['run']}/sharpness-")
        assert (record["format"], record["status"], record["kind"]) == (1, "finished", "sharpness")
        assert record["config"]["sharpness"]["epsilon"] == [1e-3]
        assert record["config"]["model"]["options"]["width"] == 16
        assert record["hardware"]["device"] == "cpu"
        assert {"torch", "numpy", "scipy"} <= set(record["versions"])
        assert record["seconds"] > 0
        (measured,) = record["measurements"]
        assert list(measured)[:2] == ["epsilon", "subspace"]
        assert {"batch_norm", "loss", "max_loss", "sharpness", "evaluations", "line_search"} <= set(measured)
    assert {r["measurements"][0]["batch_norm"] for r in found.values()} == {"trained", "batch"}
    assert not list(Path("trained").rglob("landscape/**/*.lock"))


def test_what_a_measurement_does_not_have_is_not_shown(capsys):
    Progress("one").say({"epsilon": 1e-3, "subspace": None, "losses_above": [0.25, 2.0]})
    assert capsys.readouterr().err == "one: epsilon 0.001, losses_above 0.25 2\n"


def test_what_is_measured_is_skipped_without_torch(gengap, trained, monkeypatch):
    words = f"curvature {RUN} eigenvalues=1 probes=2 samples=100"
    assert gengap(words)[0] == 0
    monkeypatch.setitem(sys.modules, "gengap.landscape.execute", None)  # importing it would fail
    code, lines = gengap(words)
    assert code == 0
    assert lines == [f"{files()[0]} is measured already: skipped; to measure "
                     "again, delete it"]  # fmt: skip


def test_measured_again_where_the_run_was_trained_again(gengap, trained):
    words = f"adaptive {RUN} rho=1e-2 samples=100"
    assert gengap(words)[0] == 0
    weights = torch.load(f"{LB}/weights.pt")
    torch.save({name: 2 * value for name, value in weights.items()}, f"{LB}/weights.pt")
    record = json.loads(Path(f"{LB}/run.json").read_text())
    record["weights_sha256"] = sha256(Path(f"{LB}/weights.pt").read_bytes()).hexdigest()
    Path(f"{LB}/run.json").write_text(json.dumps(record))
    code, (line,) = gengap(words)
    assert code == 1
    assert line.endswith("was measured with other weights, from before the run was trained again: delete it "
                         "to measure these")  # fmt: skip
    files()[0].unlink()
    assert gengap(words)[0] == 0
    Path(f"{LB}/weights.pt").unlink()  # a record outlives the weights
    assert gengap(words)[0] == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_loses_nothing_that_is_measured(number, code, gengap, trained, monkeypatch):
    words = f"line {RUN} points=7 samples=100"
    advance = Progress.advance

    def interrupted(progress, images):
        progress.calls = getattr(progress, "calls", 0) + 1
        if progress.calls == 6:
            signal.raise_signal(number)
        advance(progress, images)

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "advance", interrupted)
        ended, lines = gengap(words)
    assert ended == code
    (before,) = records().values()
    assert before["status"] == "running"
    assert 1 < (made := len(before["measurements"])) < 7
    task = "line of digits_f1-lb-4942b754 seed0"
    then = "run the same command again to continue"
    assert lines[-1] == f"{task}: stopped ({number.name}), {made} measurements saved; {then}"
    code, lines = gengap(words)
    assert code == 0
    assert f"{task}: continues after {made} measurements" in lines
    (after,) = records().values()
    assert (after["status"], len(after["measurements"])) == ("finished", 7)
    assert after["measurements"][: len(before["measurements"])] == before["measurements"]
    files()[0].unlink()
    assert gengap(words)[0] == 0
    (uninterrupted,) = records().values()
    assert uninterrupted["measurements"] == after["measurements"]


def test_time_budget(gengap, trained):
    code, lines = gengap(f"sharpness {RUN} runtime.time_budget=1e-9")
    assert (code, lines[-1]) == (75, "gengap: not started (the time budget is used up)")
    assert nothing_measured()


def test_measured_by_another_process(gengap, trained):
    words = f"sharpness {RUN} samples=100 epsilon=1e-3"
    assert gengap(words)[0] == 0
    file = files()[0]
    file.unlink()
    with Measuring(file):
        code, lines = gengap(words)
    assert code == 75
    assert lines[-1] == (
        "sharpness of digits_f1-lb-4942b754 seed0 is being measured by another process: skipped"
    )


def test_a_sweep_measures_all_its_runs_and_sums_up(gengap, trained):
    words = " ".join(("+sweep=quickstart seed=0 samples=100 epsilon=1e-3 results_dir=trained", *SHORT))
    code, lines = gengap(f"sharpness {words}")
    assert code == 1
    assert lines[-1] == "gengap: 5 records of 5 runs: 2 finished, 3 refused"
    assert sum("is not trained: type gengap train " in line for line in lines) == 3
    assert len(records()) == 2
    code, lines = gengap(f"sharpness -m {words}")
    assert (code, lines[-1]) == (1, "gengap: 5 records of 5 runs: 2 already measured, 3 refused")


def test_a_full_disk_ends_the_command_at_its_first_record(gengap, trained, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "record.json")

    monkeypatch.setattr(Measuring, "update", full)
    code, lines = gengap(f"sharpness {RUN} batch_norm=trained,batch epsilon=1e-3 subspace=3")
    assert code != 0
    assert sum("No space left on device" in line for line in lines) >= 1
    assert not any("2 failed" in line for line in lines)
    assert "not started" in lines[-1]


def test_lines_of_a_sweep_begin_at_its_small_batches(gengap, trained):
    words = "line +experiment=digits_sb,digits_lb samples=100 points=4 results_dir=trained "
    code, lines = gengap(words + " ".join(SHORT))
    assert code == 0
    assert lines[0] == f"gengap: {SB} is the start of the lines: no line ends there"
    (record,) = records().values()
    assert record["config"]["line"]["start"] == "digits_f1-sb-caaa6ffc/seed0"
    assert {"weights", "start_weights"} <= set(record)


def test_progress_says_of_how_many_and_how_long(capsys, monkeypatch):
    clock = iter((0.0, 20.0, 30.0, 60.0))
    monkeypatch.setattr("gengap.landscape.progress.time.monotonic", lambda: next(clock))
    progress = Progress("line of x", made=2)
    progress.total = 5
    progress.advance(1000)
    progress.say({"alpha": 0.5})
    progress.advance(1000)  # within 15 s of the line before
    progress.say({"losses": [1.0] * 50, "distances": [1.0] * 50})
    progress.say({"eigenvalues": [3.0, 2.0, 1.0, 0.5], "tensors": ["a"] * 11})
    progress.advance(1000)
    assert capsys.readouterr().err.splitlines() == [
        "line of x: 2 of 5 measurements, 1,000 images evaluated, 50 images/s",
        "line of x: alpha 0.5",
        "line of x: eigenvalues 3 2 1 ... (4 values), tensors (11 values)",
        "line of x: 5 of 5 measurements, 3,000 images evaluated, 50 images/s, about 0 s left",
    ]
