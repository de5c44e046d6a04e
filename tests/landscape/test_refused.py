"""`gengap landscape`: one line for every mistake and fault, and no record is lost."""

import errno
import json
import os
import shlex
import sys
from pathlib import Path

import pytest
import torch

from gengap.landscape import execute, surface
from gengap.landscape.settings import KINDS
from gengap.runs import measurements
from tests.landscape.commands import LB, RUN, SB, files, nothing_measured, records

pytestmark = pytest.mark.slow

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
    assert code == 1
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
        ("diverged", "diverged, so there is nothing to measure: name another run"),
    ):
        Path(f"{LB}/run.json").write_text(json.dumps(record | {"status": status}))
        assert gengap(f"sharpness {RUN}") == (2, [f"gengap: {LB} {message}"])
    Path(f"{LB}/run.json").write_text(json.dumps(record))
    Path(f"{LB}/weights.pt").rename("elsewhere")
    message = f"kept no weights: name another results_dir, or delete this folder, and type {TRAIN} {KEPT}"
    assert gengap(f"sharpness {RUN}") == (2, [f"gengap: {LB} {message}"])
    Path("elsewhere").rename(f"{LB}/weights.pt")
    Path(f"{SB}/weights.pt").unlink()
    command = TRAIN.replace("digits_lb", "digits_sb")
    message = f"kept no weights: name another results_dir, or delete this folder, and type {command} {KEPT}"
    assert gengap(f"line {RUN}") == (2, [f"gengap: {SB} {message}"])
    assert nothing_measured()


def test_a_run_that_differs_in_little_is_named(gengap, trained):
    code, (line,) = gengap(f"sharpness {RUN} evaluations=4")
    assert code == 2
    assert line.endswith(
        f"is not trained: type {TRAIN} evaluations=4 {KEPT}; there is one with evaluations=null: "
        "add that to measure it"
    )
    _, (line,) = gengap(f"sharpness {RUN} evaluations=4 method.batch_size=64 data.limit=900")
    assert "there is one" not in line
    _, (line,) = gengap(f"sharpness {RUN} model.name=torch.nn:Linear")
    assert "there is one" not in line


def test_what_is_missing_for_several_records_is_said_once(gengap, trained):
    code, lines = gengap(f"sharpness {RUN} seed=7 batch_norm=trained,batch")
    assert code == 2
    assert [line.partition(": type ")[0] for line in lines] == [
        f"gengap: {LB[:-1]}7 is not trained",
        "gengap: 2 records of 1 run: 2 refused",
    ]


def of_an_older_version(directory):
    """Let the record say nothing of the weights, which are then taken as they are."""
    record = json.loads(Path(f"{directory}/run.json").read_text())
    del record["weights_sha256"]
    Path(f"{directory}/run.json").write_text(json.dumps(record))


def test_damaged_weights(gengap, trained):
    of_an_older_version(LB)
    Path(f"{LB}/weights.pt").write_bytes(b"no archive")
    code, lines = gengap(f"sharpness {RUN}")
    assert code == 1
    assert lines[-1].startswith(f"gengap: {LB}/weights.pt can't be loaded into model.name=f1: ")
    assert lines[-1].endswith("; restore it, or delete its folder and train the run again")
    assert nothing_measured()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("sharpness subspace=100000", "subspace=100000 has more dimensions than the network has weights"),
        ("sharpness samples=2000", "samples=2000 is more than the 1437 training images: lower it"),
        (
            "sharpness batch_norm=batch batch=1436",
            "a batch of one image has no statistics: set samples, or batch, to more images",
        ),
        ("line start=digits_lb", "is both ends: set start=EXPERIMENT to another one"),
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
    of_an_older_version(LB)
    weights = torch.load(f"{LB}/weights.pt")
    torch.save({name: value * float("nan") for name, value in weights.items()}, f"{LB}/weights.pt")
    code, lines = gengap(f"sharpness {RUN}")
    assert (code, lines[-1]) == (1, "gengap: loss is nan: the loss is not finite near these weights")
    assert nothing_measured()


def test_memory_that_is_refused_is_one_line(gengap, trained, monkeypatch):
    def refuse(*_, **__):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(surface, "_loss_sum", refuse)
    code, lines = gengap(f"sharpness {RUN}")
    assert (code, lines[-1]) == (1, "gengap: the GPU is out of memory: lower batch, samples or subspace")


@pytest.mark.parametrize(
    ("start", "differs"), [("mnist_sb", "data.name=mnist"), ("keskar_c1_sb", "model.name=")]
)
def test_a_start_of_other_data_is_refused_before_it_is_to_be_trained(start, differs, gengap, trained):
    code, (line,) = gengap(f"line start={start} +experiment=digits_lb results_dir=trained")
    assert code == 2
    assert f", the line's start, has {differs}" in line
    assert line.endswith("set start to an experiment of the same network and data")


def test_networks_that_do_not_match_have_no_line(gengap, trained):
    weights = Path(f"{SB}/weights.pt")
    record = json.loads(Path(f"{SB}/run.json").read_text())
    record["config"]["model"]["options"]["width"] = 8
    del record["weights_sha256"]
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
    file = files()[0]
    good = file.read_text()
    for text, message in (
        (good[:-5], f"{file} is damaged "),
        (
            good.replace('"format": 1', '"format": 2'),
            f"{file} was written by a newer gengap (format 2, this one reads 1): ",
        ),
        (good.replace('"seed": 0,\n', '"seed": 1,\n', 1), f"{file} is damaged (it is of another run "),
    ):
        file.write_text(text)
        code, (line,) = gengap(words)
        assert code == 1
        assert line.startswith(f"gengap: {message}")
        assert file.read_text() == text


def test_a_kind_and_a_run_are_needed(gengap):
    unknown = "gengap: unknown kind of measurement"
    assert gengap("sharpnes") == (2, [f"{unknown} 'sharpnes': did you mean sharpness?"])
    kinds = ", ".join(KINDS)
    assert gengap("+sweep=table1") == (2, [f"{unknown} '+sweep=table1': type one of {kinds} first"])
    code, (line,) = gengap("sharpness")
    assert code == 2
    assert line == (
        "gengap: nothing to measure: add +experiment=NAME or +sweep=NAME; "
        "type gengap train --help for the names"
    )


def test_a_bug_keeps_its_traceback(gengap, trained, monkeypatch, capsys):
    monkeypatch.setitem(execute.MEASURES, "sharpness", lambda *_: iter([1 / 0]))
    with pytest.raises(AssertionError):
        gengap(f"sharpness {RUN}")
    assert nothing_measured()
