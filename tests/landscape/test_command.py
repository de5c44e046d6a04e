"""`gengap landscape`: records, what is skipped and continued, and one line for every mistake."""

import errno
import json
import logging
import os
import shlex
import signal
import sys
from pathlib import Path

import pytest
import torch

from gengap.__main__ import main
from gengap.landscape import execute, surface
from gengap.landscape.progress import Progress
from gengap.landscape.settings import KINDS
from gengap.runs import measurements
from gengap.runs.measurements import Measuring, measurement_files, read_measurement
from tests.landscape.conftest import SHORT

pytestmark = pytest.mark.slow

RUN = " ".join(("+experiment=digits_lb", *SHORT, "results_dir=trained"))
LB, SB = "trained/runs/digits_f1-lb-4942b754/seed0", "trained/runs/digits_f1-sb-caaa6ffc/seed0"


@pytest.fixture
def gengap(tmp_path, monkeypatch, capsys):
    """Runs `gengap landscape` in the test's folder; returns exit code and lines on stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(words):
        monkeypatch.setattr(logging.getLogger(), "handlers", [])  # else logging.basicConfig does nothing
        monkeypatch.setattr(sys, "argv", ["gengap", "landscape", *words.split()])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert out == ""
        assert "Traceback" not in err
        return ended.value.code, err.splitlines()

    return run


def records(folder="trained"):
    return {
        f"{file.parts[-3]}/{file.name}": read_measurement(file) for file in measurement_files(Path(folder))
    }


def nothing_measured():
    return not Path("trained/landscape").exists()


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


def test_what_is_measured_is_skipped_without_torch(gengap, trained, monkeypatch):
    words = f"curvature {RUN} eigenvalues=1 probes=2 samples=100"
    assert gengap(words)[0] == 0
    monkeypatch.setitem(sys.modules, "gengap.landscape.execute", None)  # importing it would fail
    code, lines = gengap(words)
    assert code == 0
    assert lines == [f"{next(measurement_files(Path('trained')))} is measured already: skipped; to measure "
                     "again, delete it"]  # fmt: skip


def test_measured_again_where_the_run_was_trained_again(gengap, trained):
    words = f"adaptive {RUN} rho=1e-2 samples=100"
    assert gengap(words)[0] == 0
    weights = torch.load(f"{LB}/weights.pt")
    torch.save({name: 2 * value for name, value in weights.items()}, f"{LB}/weights.pt")
    code, (line,) = gengap(words)
    assert code == 1
    assert line.endswith("was measured with other weights, from before the run was trained again: delete it "
                         "to measure these")  # fmt: skip
    next(measurement_files(Path("trained"))).unlink()
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
    assert lines[-1] == (
        f"line of digits_f1-lb-4942b754 seed0: stopped ({number.name}); "
        "run the same command again to continue"
    )
    (before,) = records().values()
    assert before["status"] == "running"
    assert 0 < len(before["measurements"]) < 7
    assert gengap(words)[0] == 0
    (after,) = records().values()
    assert (after["status"], len(after["measurements"])) == ("finished", 7)
    assert after["measurements"][: len(before["measurements"])] == before["measurements"]
    next(measurement_files(Path("trained"))).unlink()
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
    file = next(measurement_files(Path("trained")))
    file.unlink()
    with Measuring(file):
        code, lines = gengap(words)
    assert code == 75
    assert lines[-1] == (
        "sharpness of digits_f1-lb-4942b754 seed0 is being measured by another process: skipped"
    )


BESIDE = (
    "measurements are recorded beside their runs; make that folder writable, or set results_dir=DIR to a copy"
)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, ": No space left on device; free some space, then run the same command again"),
        (errno.EROFS, f" (Read-only file system): {BESIDE} of it"),
    ],
)
def test_a_failing_write_is_one_line_and_loses_no_record(number, message, gengap, trained, monkeypatch):
    words = f"sharpness {RUN} samples=100"
    write, calls = measurements.write_atomically, []

    def failing(path, data):
        calls.append(path)
        if len(calls) > 1:
            raise OSError(number, os.strerror(number), str(path))
        write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(measurements, "write_atomically", failing)
        code, lines = gengap(words)
    assert code == 1
    assert lines[-1].startswith("gengap: ")
    assert lines[-1].endswith(message)
    (record,) = records().values()
    assert len(record["measurements"]) == 1
    assert gengap(words)[0] == 0


def test_a_folder_that_can_not_be_made_is_one_line(gengap, trained):
    Path("trained/landscape").write_text("a file")
    code, lines = gengap(f"sharpness {RUN}")
    assert code == 2
    assert lines[-1].startswith("gengap: can't write to trained/landscape")
    assert lines[-1].endswith(f"{BESIDE} of it")


TRAIN = f"gengap train {shlex.join(RUN.split())}"
KEPT = "runtime.keep_weights=true"


def test_missing_runs_are_refused_with_the_command_that_makes_them(gengap, trained, monkeypatch):
    monkeypatch.setitem(sys.modules, "gengap.landscape.execute", None)  # importing it would fail
    assert gengap(f"sharpness {RUN} seed=7") == (
        2,
        [f"gengap: {LB[:-1]}7 is not trained: type {TRAIN} seed=7 {KEPT}"],
    )
    record = json.loads(Path(f"{LB}/run.json").read_text())
    for status, message in (
        ("running", f"has not finished training: type {TRAIN} {KEPT}"),
        ("failed", f"has not finished training: type {TRAIN} {KEPT}"),
        ("diverged", "diverged: there is no trained network to measure"),
    ):
        Path(f"{LB}/run.json").write_text(json.dumps(record | {"status": status}))
        assert gengap(f"sharpness {RUN}") == (2, [f"gengap: {LB} {message}"])
    Path(f"{LB}/run.json").write_text(json.dumps(record))
    Path(f"{LB}/weights.pt").rename("elsewhere")
    message = f"kept no weights: delete this folder, or name another results_dir, and type {TRAIN} {KEPT}"
    assert gengap(f"sharpness {RUN}") == (2, [f"gengap: {LB} {message}"])
    Path("elsewhere").rename(f"{LB}/weights.pt")
    Path(f"{SB}/weights.pt").unlink()
    command = TRAIN.replace("digits_lb", "digits_sb")
    message = f"kept no weights: delete this folder, or name another results_dir, and type {command} {KEPT}"
    assert gengap(f"line {RUN}") == (2, [f"gengap: {SB} {message}"])
    assert nothing_measured()


def test_damaged_weights(gengap, trained):
    Path(f"{LB}/weights.pt").write_bytes(b"no archive")
    code, lines = gengap(f"sharpness {RUN}")
    assert code == 2
    assert lines[-1].startswith(f"gengap: {LB}/weights.pt can't be loaded into model.name=f1: ")
    assert lines[-1].endswith("; restore it, or delete its folder and train the run again")
    assert nothing_measured()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("sharpness subspace=100000", "subspace=100000 has more dimensions than the network has weights"),
        ("sharpness samples=2000", "samples=2000 is more than the 1437 training images: lower it"),
        ("sharpness batch_norm=batch batch=1436", "a batch of one image has no statistics: set batch to "),
        ("line start=digits_lb", "a line needs two runs: set start=EXPERIMENT to another one than its end"),
        ("line start=nothing", "start=nothing is no experiment of digits_f1: type start=EXPERIMENT"),
        ("line seed=x", "seed=x must be a whole number"),
        ("sharpness method.batchsize=2", "unknown key method.batchsize: did you mean method.batch_size"),
    ],
)
def test_what_can_not_be_measured_is_one_line_and_leaves_no_folder(words, message, gengap, trained):
    code, lines = gengap(f"{words} {RUN}")
    assert code == 2
    assert message in lines[-1]
    assert lines[-1].startswith("gengap: ")
    assert len(lines) <= 2
    assert nothing_measured()


def test_weights_that_are_no_numbers_are_one_line(gengap, trained):
    weights = torch.load(f"{LB}/weights.pt")
    torch.save({name: value * float("nan") for name, value in weights.items()}, f"{LB}/weights.pt")
    code, lines = gengap(f"sharpness {RUN}")
    assert (code, lines[-1]) == (2, "gengap: loss is nan: the loss is not finite near these weights")
    assert nothing_measured()


def test_memory_that_is_refused_is_one_line(gengap, trained, monkeypatch):
    def refuse(*_, **__):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(surface, "_loss_sum", refuse)
    code, lines = gengap(f"sharpness {RUN}")
    assert (code, lines[-1]) == (2, "gengap: the GPU is out of memory: lower batch, samples or subspace")


def test_networks_that_do_not_match_have_no_line(gengap, trained):
    weights = Path(f"{SB}/weights.pt")
    record = json.loads(Path(f"{SB}/run.json").read_text())
    record["config"]["model"]["options"]["width"] = 8
    Path(f"{SB}/run.json").write_text(json.dumps(record))
    from gengap.models import build

    torch.save(build("f1", 10, in_features=64, width=8).state_dict(), weights)
    code, lines = gengap(f"line {RUN}")
    assert code == 2
    assert lines[-1].startswith("gengap: digits_f1-sb-caaa6ffc, the line's start, is another network than ")
    assert nothing_measured()


def test_records_that_can_not_be_read_are_left_alone(gengap, trained):
    words = f"sharpness {RUN} samples=100 epsilon=1e-3"
    assert gengap(words)[0] == 0
    file = next(measurement_files(Path("trained")))
    good = file.read_text()
    for text, message in (
        (good[:-5], f"{file} is damaged "),
        (good.replace('"format": 1', '"format": 2'), f"{file} was written by a newer gengap (format 2): "),
        (good.replace('"seed": 0,\n', '"seed": 1,\n', 1), f"{file} is damaged (it is of another run "),
    ):
        file.write_text(text)
        code, (line,) = gengap(words)
        assert code == 1
        assert line.startswith(f"gengap: {message}")
        assert file.read_text() == text


def test_a_sweep_measures_all_its_runs_and_sums_up(gengap, trained):
    words = " ".join(("+sweep=quickstart seed=0 samples=100 epsilon=1e-3 results_dir=trained", *SHORT))
    code, lines = gengap(f"sharpness {words}")
    assert code == 1
    assert lines[-1] == "gengap: 5 records of 5 runs: 2 finished, 3 failed"
    assert sum("is not trained: type gengap train " in line for line in lines) == 3
    assert len(records()) == 2
    code, lines = gengap(f"sharpness -m {words}")
    assert (code, lines[-1]) == (1, "gengap: 5 records of 5 runs: 2 already measured, 3 failed")


def test_lines_of_a_sweep_begin_at_its_small_batches(gengap, trained):
    words = "line +experiment=digits_sb,digits_lb samples=100 points=4 results_dir=trained "
    code, lines = gengap(words + " ".join(SHORT))
    assert code == 0
    assert lines[0] == f"gengap: {SB} is the start of the lines: no line ends there"
    (record,) = records().values()
    assert record["config"]["line"]["start"] == "digits_f1-sb-caaa6ffc/seed0"
    assert {"weights", "start_weights"} <= set(record)


def test_a_kind_and_a_run_are_needed(gengap):
    unknown = "gengap: unknown kind of measurement"
    assert gengap("sharpnes") == (2, [f"{unknown} 'sharpnes': did you mean sharpness?"])
    kinds = ", ".join(KINDS)
    assert gengap("+sweep=table1") == (2, [f"{unknown} '+sweep=table1': type one of {kinds} first"])
    code, (line,) = gengap("sharpness")
    assert code == 2
    assert line.endswith("add +experiment=NAME or +sweep=NAME; type gengap train --help for the names")


def test_a_bug_keeps_its_traceback(gengap, trained, monkeypatch, capsys):
    monkeypatch.setitem(execute.MEASURES, "sharpness", lambda *_: iter([1 / 0]))
    with pytest.raises(AssertionError):
        gengap(f"sharpness {RUN}")
    assert nothing_measured()
