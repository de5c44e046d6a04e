"""The record of a run, runs that are skipped, retried or diverge, and their status."""

import json
import math
import sys

import pandas as pd
import pytest
import torch
from filelock import FileLock

from gengap.config.identity import run_directory, run_name
from gengap.config.sweep import Job
from gengap.launch import execute as execute_module
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.launch.place import ALONE
from gengap.launch.single import train_one
from gengap.launch.stop import Stop
from gengap.runs import COLUMNS, provenance, read_metrics, read_record, read_runs
from gengap.runs.parts import parts
from gengap.runs.record import LOCK, LOG, NEWEST, PREVIOUS
from gengap.runs.state import run_state
from gengap.training.loop import recorded_updates
from gengap.training.trainer import Trainer
from tests.records import row

SHORT = ("workload.epochs=4", "workload.milestones=[3]", "runtime.threads=1")


def test_a_checkpoint_left_beside_a_finished_run_is_removed(digits):
    config = digits("sb", *SHORT)
    directory = run_directory(config)
    assert execute(config) == Outcome.FINISHED
    for name in (NEWEST, PREVIOUS):
        (directory / name).write_bytes(b"left by a kill")
    assert train_one(Job([], config), Stop(None), ALONE) == Outcome.SKIPPED
    assert {file.name for file in directory.iterdir()} == {"run.json", "metrics.jsonl", LOG, LOCK}


def test_memory_estimate_is_logged_before_the_first_update(digits, monkeypatch, caplog):
    logged_before = []
    train_step = Trainer.train_step

    def update(self, number):
        logged_before.append([r.getMessage() for r in caplog.records])
        train_step(self, number)

    monkeypatch.setattr(Trainer, "train_step", update)
    config = digits("lb_gbn", *SHORT, "runtime.micro_batch=64")
    with caplog.at_level("INFO"):
        execute(config)
    (line,) = logged_before[0]
    assert line.startswith(f"{run_name(config)}: estimated memory per update: ")
    assert line.endswith(" MiB, 64 images at a time")


def test_finished_run_has_a_complete_record(digits, tmp_path):
    config = digits("lb_gbn", *SHORT, "workload.lr=[0.1,0.01]")
    assert execute(config) == Outcome.FINISHED
    directory = run_directory(config)
    record = read_record(directory)
    updates = 4 * 1437 // 512
    assert record["status"] == "finished"
    assert record["regime"]["updates"] == record["summary"]["updates"] == updates == 11
    assert record["regime"]["milestones"] == [3 * 1437 // 512]
    assert record["summary"]["samples_seen"] == updates * 512
    assert set(record["data"].pop("fingerprint")) == {"train", "test"}
    assert record["data"] == {"train": 1437, "validation": 360, "classes": 10}
    assert record["parameters"] == 76_938
    assert record["earlier"] == []
    assert set(record["versions"]) == {"python", "gengap", "torch", "numpy"}
    assert str(tmp_path) not in json.dumps(record)
    rows = read_metrics(directory)
    assert sorted(rows["update"]) == list(rows["update"]) == sorted({*recorded_updates(11), 2, 5, 8, 11})
    evaluations = rows.dropna(subset="val_error")
    assert list(evaluations["update"]) == [k * 11 // 4 for k in range(1, 5)]
    assert record["summary"]["last_val_accuracy"] == pytest.approx(100 - evaluations["val_error"].iloc[-1])
    assert record["summary"]["best_val_accuracy"] == pytest.approx(100 - evaluations["val_error"].min())
    parts = rows.dropna(subset="tensor_distances")
    for whole, tensors in zip(parts["distance"], parts["tensor_distances"], strict=True):
        assert len(tensors) == len(record["tensors"])
        assert math.hypot(*tensors) == pytest.approx(whole, rel=1e-4)
    assert rows["epoch"].iloc[-1] == pytest.approx(11 * 512 / 1437, rel=1e-5)
    assert [round(r / (0.1 * math.sqrt(32)), 3) for r in rows["lr"]] == [
        0.1 if u > 8 else 1.0 for u in rows["update"]
    ]


def test_a_run_that_was_continued_elsewhere_shows_every_commit_and_machine(digits, monkeypatch, tmp_path):
    config = digits("lb", *SHORT, "runtime.time_budget=1e-9", "runtime.checkpoint_seconds=0")
    for commit, machine in (("1" * 40, "Xeon"), ("2" * 40, "Xeon"), ("2" * 40, "EPYC")):
        monkeypatch.setattr(provenance, "git_commit", lambda found=commit: found)
        monkeypatch.setattr(provenance, "cpu_name", lambda found=machine: found)
        assert execute(config) == Outcome.STOPPED
    monkeypatch.setattr(provenance, "git_commit", lambda: "3" * 40)
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train_step", lambda *_: sys.exit())
        with pytest.raises(SystemExit):  # before its first update, so that nothing of this part is left
            execute(config)
    monkeypatch.setattr(provenance, "git_commit", lambda: "4" * 40)
    assert execute(digits("lb", *SHORT)) == Outcome.FINISHED
    found = [
        (part["began_after"], part["git_commit"][0], part["hardware"]["name"])
        for part in parts(read_record(run_directory(config)))
    ]
    assert found == [(0, "1", "Xeon"), (1, "2", "Xeon"), (2, "2", "EPYC"), (3, "4", "EPYC")]
    (run,) = read_runs(tmp_path).to_dict("records")
    assert run["git_commit"] == "; ".join(digit * 40 for digit in "124")
    assert [name.split(" ")[0].rstrip(",") for name in run["hardware"].split("; ")] == ["Xeon", "EPYC"]
    assert run["parts"] == 4


def test_finished_runs_are_skipped(digits, monkeypatch):
    config = digits("lb", *SHORT)
    assert execute(config) == Outcome.FINISHED
    before = (run_directory(config) / "run.json").read_bytes()
    monkeypatch.setattr(execute_module, "train", lambda *_: pytest.fail("trained again"))
    assert execute(config) == Outcome.SKIPPED
    assert (run_directory(config) / "run.json").read_bytes() == before


def test_diverged_run_is_recorded_and_skipped(digits, monkeypatch):
    config = digits("lb", *SHORT, "workload.lr=[1e30,1]", "method.clip_norm=null")
    assert execute(config) == Outcome.DIVERGED
    record = read_record(run_directory(config))
    assert record["status"] == "diverged"
    assert "not finite" in record["error"]
    assert read_metrics(run_directory(config))["distance"].iloc[-1:].isna().all()
    assert "NaN" not in (run_directory(config) / "metrics.jsonl").read_text()
    assert run_state(run_directory(config)).name == "diverged"
    monkeypatch.setattr(execute_module, "train", lambda *_: pytest.fail("trained again"))
    assert execute(config) == Outcome.SKIPPED


def test_keyboard_interrupt_before_the_first_update_leaves_no_folder(digits, monkeypatch, tmp_path):
    """As in a notebook, where Ctrl-C raises."""

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(execute_module, "load", interrupted)
    with pytest.raises(KeyboardInterrupt):
        execute(digits("lb", *SHORT))
    assert list(tmp_path.iterdir()) == []


def test_failed_run_is_logged_and_retried(digits, monkeypatch):
    config = digits("lb", *SHORT)
    with monkeypatch.context() as patch:
        patch.setattr(execute_module, "fit", lambda *_: 1 / 0)
        assert execute(config) == Outcome.FAILED
    assert read_record(run_directory(config))["error"].startswith("ZeroDivisionError")
    assert "Traceback" in (run_directory(config) / LOG).read_text()
    assert execute(config) == Outcome.FINISHED


def test_gpu_out_of_memory_is_a_one_line_error(digits, monkeypatch, caplog):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    config = digits("lb", *SHORT)
    with monkeypatch.context() as patch:
        patch.setattr(execute_module, "fit", full)
        assert execute(config) == Outcome.FAILED
    (line,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert line == (
        "gengap: the GPU is out of memory: set runtime.micro_batch to a few ghosts, or precision=bf16 "
        "(without ghosts only bf16 helps)"
    )
    assert execute(config) == Outcome.FINISHED


def test_network_is_checked_before_its_memory_is_estimated(digits, monkeypatch, caplog):
    """On a GPU the estimate runs the network too, where an unsuitable one would fail with a traceback."""
    monkeypatch.setattr("gengap.training.team.micro_batch_size", lambda *_: pytest.fail("probed"))
    assert execute(digits("lb_gbn", "model.name=tests.networks:features_only")) == Outcome.REFUSED
    assert "model.name=tests.networks:features_only can't take the images" in caplog.text


def test_locked_run_is_skipped(digits):
    config = digits("lb", *SHORT)
    directory = run_directory(config)
    directory.mkdir(parents=True)
    with FileLock(directory / LOCK):
        assert execute(config) == Outcome.BUSY
    assert read_record(directory) is None


def test_batch_larger_than_the_training_set_is_a_user_error(digits, caplog):
    assert execute(digits("lb", "method.batch_size=2048")) == Outcome.REFUSED
    assert "method.batch_size=2048 is more than the 1437 training samples" in caplog.text
    assert "Traceback" not in caplog.text


def test_regime_shorter_than_one_update_is_a_user_error(digits, caplog):
    assert (
        execute(digits("lb", "workload.epochs=0.1", "workload.milestones=[]", "workload.lr=[1]"))
        == Outcome.REFUSED
    )
    assert "is less than one update of 512 samples: raise workload.epochs" in caplog.text
    assert "Traceback" not in caplog.text


def test_read_runs_has_one_row_per_run(digits, tmp_path):
    assert list(read_runs(tmp_path).columns) == list(COLUMNS)
    assert read_runs(tmp_path).empty
    for seed in (1, 0):
        execute(digits("lb", *SHORT, f"seed={seed}"))
    found = read_runs(tmp_path)
    assert list(found["seed"]) == [0, 1]
    assert found["last_val_accuracy"].between(0, 100).all()
    assert (found["status"] == "finished").all()
    assert found["updates"].tolist() == [11, 11]


def test_line_cut_off_by_a_kill_is_ignored(tmp_path):
    (tmp_path / "metrics.jsonl").write_text(f"{json.dumps(row(1))}\n{json.dumps(row(2))}\n{{upd")
    assert list(read_metrics(tmp_path)["update"]) == [1, 2]
    assert isinstance(read_metrics(tmp_path / "absent"), pd.DataFrame)
