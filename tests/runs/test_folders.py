"""Folders that can't be looked into are named, and the runs in the others are shown."""

import errno
import json
import os
from pathlib import Path

import pytest

from gengap.cli.report import main as report
from gengap.cli.status import main as status
from gengap.errors import UnreadableError
from gengap.faults import machine_error
from gengap.runs.folders import folder_for_now, run_directories
from gengap.runs.record import METRICS, RECORD
from gengap.runs.store import write_atomically
from tests.records import finished, fitted, row


@pytest.fixture
def runs(tmp_path):
    """The directories of two finished runs; other things beside them."""
    found = []
    for seed in (1, 0):
        directory = tmp_path / "runs" / "digits_f1-sb-0badcafe" / f"seed{seed}"
        directory.mkdir(parents=True)
        record = finished(seed=seed)
        (only,) = fitted(record, [row()])
        (directory / RECORD).write_text(json.dumps(record))
        (directory / METRICS).write_text(json.dumps(only) + "\n")
        found.append(directory)
    (tmp_path / "runs" / "notes.txt").touch()
    (found[0].parent / "seed7").mkdir()  # without a record
    (found[0].parent / "old").mkdir()
    (found[0].parent / "old" / RECORD).touch()
    return sorted(found)


def test_all_with_a_record_are_found_in_order(runs, tmp_path):
    assert run_directories(tmp_path) == (runs, [])
    assert run_directories(tmp_path / "absent") == ([], [])
    assert run_directories(tmp_path / "runs" / "notes.txt") == ([], [])


def test_folders_that_cant_be_read_are_named_and_the_others_shown(
    runs, tmp_path, monkeypatch, capsys, caplog
):
    closed = tmp_path / "runs" / "digits_f1-lb-1badcafe"
    closed.mkdir()
    monkeypatch.setattr(Path, "iterdir", refusing(closed, Path.iterdir))
    assert status([f"results_dir={tmp_path}"]) == 0
    assert caplog.messages == [f"gengap: {closed} can't be read: Permission denied"]
    assert "digits_f1-sb-0badcafe" in capsys.readouterr().out
    assert report([f"results_dir={tmp_path}"]) == 0
    shown = capsys.readouterr()
    assert shown.err == "left out: runs/digits_f1-lb-1badcafe can't be read: Permission denied\n"
    assert "2 runs reported" in shown.out
    assert report([f"results_dir={tmp_path}", "--check"]) == 1


def test_a_record_that_cant_be_seen_is_unreadable(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Path, "exists", refusing(runs[0] / RECORD, Path.exists))
    monkeypatch.setattr(Path, "stat", refusing(runs[0] / RECORD, Path.stat))
    assert status([f"results_dir={tmp_path}"]) == 0
    shown = capsys.readouterr()
    assert shown.err == f"gengap: {runs[0] / RECORD} can't be read: Permission denied\n"
    assert "seed" not in shown.out


def refusing(place, method):
    def call(path, *arguments, **keys):
        if path == place:
            raise PermissionError(13, "Permission denied", str(path))
        return method(path, *arguments, **keys)

    return call


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.mark.parametrize("kind", ["runs", "landscape", "bench"])
def test_a_report_stays_as_it_is_where_all_records_of_a_kind_cant_be_read(kind, runs, tmp_path, monkeypatch):
    report([f"results_dir={tmp_path}"])
    before = contents(tmp_path / "report")
    monkeypatch.setattr(Path, "iterdir", refusing(tmp_path / kind, Path.iterdir))
    for words in ([], ["--check"]):
        with pytest.raises(UnreadableError) as caught:
            report([f"results_dir={tmp_path}", *words])
        assert str(caught.value) == f"{tmp_path / kind} can't be read: Permission denied"
    assert contents(tmp_path / "report") == before


def test_a_report_stays_as_it_is_where_no_record_can_be_read(runs, tmp_path, capsys):
    report([f"results_dir={tmp_path}"])
    before = contents(tmp_path / "report")
    for run in runs:
        (run / RECORD).write_text("{")
    capsys.readouterr()
    assert report([f"results_dir={tmp_path}"]) == 1
    *left_out, last = capsys.readouterr().err.splitlines()
    assert len(left_out) == 2
    assert last == f"no record in {tmp_path} can be read: no report is written"
    assert contents(tmp_path / "report") == before
    assert report([f"results_dir={tmp_path}", "--check"]) == 1


@pytest.mark.parametrize("place", ["run-0badcafe", "run-0badcafe/seed0"])
def test_a_folder_of_measurements_that_cant_be_read_is_named(place, runs, tmp_path, monkeypatch, capsys):
    closed = tmp_path / "landscape" / place
    closed.mkdir(parents=True)
    monkeypatch.setattr(Path, "iterdir", refusing(closed, Path.iterdir))
    assert report([f"results_dir={tmp_path}"]) == 0
    shown = capsys.readouterr()
    assert shown.err == f"left out: landscape/{place} can't be read: Permission denied\n"
    assert "2 runs reported" in shown.out
    assert report([f"results_dir={tmp_path}", "--check"]) == 1


@pytest.mark.parametrize("code", [28, 30])
def test_a_report_that_cant_be_written_leaves_the_one_before(code, runs, tmp_path, monkeypatch):
    report([f"results_dir={tmp_path}"])
    before = contents(tmp_path / "report")
    (runs[0] / RECORD).write_text("{")
    write, written = Path.write_text, []

    def fill(path, text, **keys):
        written.append(path)
        if len(written) > 3:
            raise OSError(code, "No space left on device")
        return write(path, text, **keys)

    monkeypatch.setattr(Path, "write_text", fill)
    with pytest.raises(OSError, match="No space left on device") as error:
        report([f"results_dir={tmp_path}"])
    assert error.value.filename == str(tmp_path / "report")
    assert contents(tmp_path / "report") == before


def test_a_folder_that_may_not_be_removed_is_left(tmp_path, monkeypatch):
    """As in a folder made append-only by chattr +a."""

    def refuse(path, *_, **__):
        raise PermissionError(errno.EPERM, "Operation not permitted", path)

    for name in ("rmdir", "unlink"):
        monkeypatch.setattr(os, name, refuse)
    with folder_for_now(tmp_path, ".new-") as made:
        (made / "file").touch()
    assert made.parent == tmp_path
    assert (made / "file").exists()
    monkeypatch.undo()
    with folder_for_now(tmp_path, ".new-") as made:
        (made / "file").touch()
    assert not made.exists()


def test_a_file_that_may_not_be_replaced_is_named_and_not_its_temporary_one(tmp_path, monkeypatch):
    """As one made immutable by chattr +i."""

    def refuse(path, target):
        raise PermissionError(errno.EPERM, "Operation not permitted", str(path), None, str(target))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(PermissionError) as error:
            write_atomically(tmp_path / RECORD, b"{}")
    assert str(machine_error(error.value, tmp_path)).startswith(
        f"{tmp_path / RECORD}: Operation not permitted; "
    )
    assert list(tmp_path.iterdir()) == []
