"""Reading complete, unfinished, damaged and newer records in the same results directory."""

import json
from pathlib import Path

import pytest

from gengap.cli.report import main as report
from gengap.cli.status import main as status
from gengap.errors import UnreadableError
from gengap.runs import COLUMNS, read_metrics, read_record, read_runs, read_store
from gengap.runs.record import FORMAT, METRICS, RECORD
from gengap.runs.store import Run

SUMMARY = {
    "updates": 1,
    "samples_seen": 160,
    "last_val_accuracy": 90.0,
    "best_val_accuracy": 91.0,
    "train_accuracy": 95.0,
    "distance": 1.5,
}
WHOLE = {
    "format": FORMAT,
    "status": "finished",
    "workload": "digits_f1",
    "method": "sb",
    "digest": "0badcafe",
    "seed": 0,
    "config": {
        "workload": {"name": "digits_f1", "epochs": 10},
        "method": {"name": "sb", "batch_size": 16},
        "protocol": {"name": "paper"},
        "precision": "fp32",
    },
    "versions": {"torch": "2.11.0"},
    "git_commit": None,
    "hardware": {"device": "cpu", "name": "AMD EPYC", "threads": 1},
    "data": {"train": 1437, "validation": 360},
    "wall_seconds": 1.0,
    "summary": SUMMARY,
}
ROW = '{"update": 1, "distance": 0.5}\n'


def add(root: Path, seed: int, record: str = "", metrics: str = ROW) -> Path:
    directory = root / "runs" / "digits_f1-sb-0badcafe" / f"seed{seed}"
    directory.mkdir(parents=True)
    (directory / RECORD).write_text(record or json.dumps(WHOLE | {"seed": seed}))
    (directory / METRICS).write_text(metrics)
    return directory


def without(key: str) -> str:
    return json.dumps({k: v for k, v in WHOLE.items() if k != key})


BAD = {
    "empty": ("", "is damaged"),
    "truncated": (json.dumps(WHOLE)[:200], "is damaged"),
    "no object": ("[1, 2]", "is damaged (it is not a record)"),
    "no config": (without("config"), "is damaged (missing 'config')"),
    "finished without summary": (without("summary"), "is damaged (missing 'summary')"),
    "newer": (json.dumps(WHOLE | {"format": FORMAT + 1}), "was written by a newer gengap (record format 2"),
}


@pytest.fixture(params=sorted(BAD))
def bad(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """The file and error of an unreadable run, beside a finished and an unfinished one."""
    text, reason = BAD[request.param]
    add(tmp_path, 0)
    unfinished = {k: v for k, v in WHOLE.items() if k not in ("summary", "wall_seconds")}
    add(tmp_path, 1, json.dumps(unfinished | {"seed": 1, "status": "running"}), ROW + '{"update": 2, "dis')
    directory = add(tmp_path, 2, text or " ")
    return directory / RECORD, reason


def test_unreadable_record_is_left_out_with_a_warning(
    bad: tuple[Path, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, reason = bad
    runs = read_runs(tmp_path)
    assert list(runs.columns) == list(COLUMNS)
    assert list(zip(runs["seed"], runs["status"], strict=True)) == [(0, "finished"), (1, "running")]
    (message,) = caplog.messages
    assert message.startswith(f"left out: {file} {reason}")


def test_report_lists_unreadable_records(
    bad: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, reason = bad
    assert report([f"results_dir={tmp_path}"]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith(f"left out: runs/digits_f1-sb-0badcafe/seed2/run.json {reason}")
    assert captured.err.count("\n") == 1
    text = (tmp_path / "report" / "README.md").read_text()
    assert f"| runs/digits_f1-sb-0badcafe/seed2/run.json | {reason}" in text
    assert "1 unfinished" in text
    assert report([f"results_dir={tmp_path}", "--check"]) == 0
    file.write_text(json.dumps(WHOLE | {"seed": 2}))
    assert report([f"results_dir={tmp_path}", "--check"]) == 1


def test_status_counts_unreadable_records(
    bad: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, reason = bad
    assert status([f"results_dir={tmp_path}"]) == 0
    captured = capsys.readouterr()
    if "missing" in reason:  # its status can be read
        return
    header, line, *_ = captured.out.splitlines()
    assert dict(zip(header.split(), line.split()[1:], strict=False))["unreadable"] == "1"
    assert captured.err.startswith(f"gengap: {file} {reason}")


def test_opening_a_damaged_record_raises_and_frees_the_lock(tmp_path: Path) -> None:
    directory = add(tmp_path, 0, "{")
    for _ in range(2):  # the second one would wait for the lock
        with pytest.raises(UnreadableError, match="restore it, or remove its folder"), Run(directory):
            pass
    (directory / RECORD).unlink()
    with Run(directory) as opened:
        assert opened.record == {}


@pytest.mark.parametrize("line", ["garbage\n", '{"update": \n', "[1]\n", "\n"])
def test_damaged_line_of_metrics_makes_the_run_unreadable(line: str, tmp_path: Path) -> None:
    directory = add(tmp_path, 0, metrics=ROW + line + ROW)
    with pytest.raises(UnreadableError, match=r"metrics.jsonl is damaged \(in line 2\)"):
        read_metrics(directory)
    store = read_store(tmp_path)
    assert store.runs.empty
    assert [e.file for e in store.unreadable] == [directory / METRICS]


def test_last_line_cut_off_by_a_kill_is_ignored(tmp_path: Path) -> None:
    directory = add(tmp_path, 0, metrics=ROW + '{"upd')
    assert len(read_metrics(directory)) == 1
    assert len(read_runs(tmp_path)) == 1


def test_record_that_is_not_text_is_damaged(tmp_path: Path) -> None:
    directory = add(tmp_path, 0)
    (directory / RECORD).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableError, match="is damaged"):
        read_record(directory)


def test_missing_directory_is_empty(tmp_path: Path) -> None:
    assert read_runs(tmp_path / "absent").empty
    assert read_record(tmp_path / "absent") is None
    assert read_metrics(tmp_path / "absent").empty


def test_report_of_unreadable_records_only(tmp_path: Path) -> None:
    add(tmp_path, 0, "{")
    assert report([f"results_dir={tmp_path}"]) == 0
    assert "is damaged" in (tmp_path / "report" / "README.md").read_text()
    assert report([f"results_dir={tmp_path}", "--check"]) == 0
