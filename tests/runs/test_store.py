"""Reading complete, unfinished, damaged and newer records in the same results directory."""

import json
from pathlib import Path

import pytest

from gengap.cli.report import main as report
from gengap.cli.status import main as status
from gengap.errors import UnreadableError
from gengap.runs import COLUMNS, read_metrics, read_record, read_runs, read_store
from gengap.runs.record import METRICS, RECORD, own_record
from gengap.runs.schema import FORMAT
from gengap.runs.store import Run
from tests.records import finished, fitted, record, row

WHOLE = finished()
ROW = json.dumps(fitted(WHOLE, [row()])[0]) + "\n"
SECOND = json.dumps(row(2)) + "\n"


def add(root: Path, seed: int, text: str = "", metrics: str = ROW, name: str = "") -> Path:
    directory = root / "runs" / "digits_f1-sb-0badcafe" / (name or f"seed{seed}")
    directory.mkdir(parents=True)
    (directory / RECORD).write_text(text or json.dumps(WHOLE | {"seed": seed}))
    (directory / METRICS).write_text(metrics)
    return directory


def changed(**changes: object) -> str:
    return json.dumps(WHOLE | {"seed": 2} | changes)


def without(key: str) -> str:
    return json.dumps({k: v for k, v in WHOLE.items() if k != key})


BAD = {
    "empty": (" ", "is damaged"),
    "truncated": (json.dumps(WHOLE)[:200], "is damaged"),
    "no object": ("[1, 2]", "is damaged (it is not an object)"),
    "no config": (without("config"), "is damaged (config is missing)"),
    "finished without summary": (without("summary"), "is damaged (summary is missing)"),
    "newer": (changed(format=FORMAT + 1), "was written by a newer gengap (format 2"),
    "negative format": (changed(format=-1), "is damaged (format is not a whole number"),
    "boolean format": (changed(format=True), "is damaged (format is not a whole number"),
    "status": (changed(status="done"), "is damaged (status is not one of running, finished, "),
    "nested": ('{"a":' * 10**5 + "1" + "}" * 10**5, "is damaged (nested too deeply)"),
    "nested a little": (changed(more=json.loads("[" * 40 + "]" * 40)), "is damaged (nested too deeply)"),
    "not a number": (json.dumps(WHOLE | {"wall_seconds": float("nan")}), "is damaged (NaN is no JSON)"),
    "too large": (json.dumps(WHOLE)[:-1] + ', "a": 1e999}', "is damaged (a number too large)"),
    "huge": (json.dumps(WHOLE)[:-1] + f', "a": {"9" * 9999}}}', "is damaged (an integer beyond 64 bits)"),
    "twice": (json.dumps(WHOLE)[:-1] + ', "seed": 2}', "is damaged (a key stands in it twice)"),
    "surrogate": (json.dumps(WHOLE)[:-1] + ', "a": "\\ud800"}', "is damaged (half a surrogate pair)"),
    "other config": (changed(method="lb"), "is damaged (method is not that of its config)"),
    "other seed": (changed(seed=3), "is of another run, digits_f1-sb-0badcafe/seed3, than its folder's"),
    "other digest": (changed(digest="1badcafe"), "is of another run, digits_f1-sb-1badcafe/seed2, than"),
}  # fmt: skip


@pytest.fixture(params=sorted(BAD))
def bad(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """The file and error of an unreadable run, beside a finished and an unfinished one."""
    text, reason = BAD[request.param]
    add(tmp_path, 0)
    add(tmp_path, 1, json.dumps(record(updates=9, seed=1)), ROW + '{"update": 2, "dis')
    directory = add(tmp_path, 2, text)
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


@pytest.mark.usefixtures("without_pictures")
def test_report_lists_unreadable_records(
    bad: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, reason = bad
    assert report([f"results_dir={tmp_path}"]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith(f"left out: runs/digits_f1-sb-0badcafe/seed2/run.json {reason}")
    assert captured.err.count("\n") == 1
    text = (tmp_path / "report" / "README.md").read_text()
    assert f"| runs/digits_f1-sb-0badcafe/seed2/run.json | {reason}" in text
    assert "1 unfinished" in text


@pytest.mark.usefixtures("without_pictures")
def test_check_fails_until_every_record_can_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(tmp_path, 0)
    file = add(tmp_path, 2, " ") / RECORD
    assert report([f"results_dir={tmp_path}"]) == 0
    capsys.readouterr()
    assert report([f"results_dir={tmp_path}", "--check"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("left out: runs/digits_f1-sb-0badcafe/seed2/run.json is damaged")
    assert captured.err.count("\n") == 1
    file.write_text(json.dumps(WHOLE | {"seed": 2}))
    assert report([f"results_dir={tmp_path}", "--check"]) == 1
    assert "differs from the records" in capsys.readouterr().err
    assert report([f"results_dir={tmp_path}"]) == 0
    assert report([f"results_dir={tmp_path}", "--check"]) == 0


def test_status_counts_unreadable_records(
    bad: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, reason = bad
    assert status([f"results_dir={tmp_path}"]) == 0
    captured = capsys.readouterr()
    header, line, *_ = captured.out.splitlines()
    assert dict(zip(header.split(), line.split()[1:], strict=False))["unreadable"] == "1"
    assert captured.err.startswith(f"gengap: {file} {reason}")
    assert captured.err.count("\n") == 1


def test_a_folder_of_another_name_is_not_counted_twice(tmp_path: Path) -> None:
    add(tmp_path, 0)
    copied = add(tmp_path, 0, name="seed0.old")
    store = read_store(tmp_path)
    assert len(store.runs) == 1
    assert [e.file for e in store.unreadable] == [copied / RECORD]
    assert read_record(copied) == WHOLE  # which can be loaded from anywhere


def test_opening_a_damaged_record_raises_and_frees_the_lock(tmp_path: Path) -> None:
    directory = add(tmp_path, 0, "{")
    for _ in range(2):  # the second one would wait for the lock
        with pytest.raises(UnreadableError, match="restore it, or remove its folder"), Run(directory):
            pass
    (directory / RECORD).unlink()
    with Run(directory) as opened:
        assert opened.record == {}


def rows_with(**changes: object) -> str:
    return ROW + json.dumps(row(2) | changes) + "\n"


def row_without(key: str) -> str:
    return ROW + json.dumps({k: v for k, v in row(2).items() if k != key}) + "\n"


EVALUATION = {"train_loss": 1.0, "train_error": 1.0, "val_loss": 1.0, "val_error": 1.0}
BAD_ROWS = {
    "garbage": ROW + "garbage\n",
    "cut off": ROW + '{"update": \n',
    "a list": ROW + "[1]\n",
    "an empty line": ROW + "\n",
    "not UTF-8": ROW + '{"update": "\udcff"}\n',
    "nested": ROW + "[" * 10**5 + "]" * 10**5 + "\n",
    "infinite": ROW + SECOND.replace("0.5", "Infinity"),
    "the same row": ROW + ROW,
    "half an evaluation": rows_with(val_error=1.0),
    "a percentage": rows_with(**EVALUATION | {"val_error": 101.0}),
    "a fraction": rows_with(update=2.5),
    **{f"no {key}": row_without(key) for key in row()},
    **{
        f"{key}={value}": rows_with(**EVALUATION | {key: value})
        for key in ("update", "epoch", "distance", "clipped", "val_error", "seconds", "tensor_distances")
        for value in ("2", [[2]], {"a": 2}, True, 10**30, -1)
    },
    "no number in a list": rows_with(tensor_distances=[1.0, "1"]),
    "update=null": rows_with(update=None),
}


@pytest.mark.parametrize("metrics", BAD_ROWS.values(), ids=BAD_ROWS)
def test_damaged_line_of_metrics_makes_the_run_unreadable(metrics: str, tmp_path: Path) -> None:
    directory = add(tmp_path, 0, json.dumps(finished(updates=3)))
    add(tmp_path, 1)
    text = metrics + json.dumps(row(3)) + "\n"
    (directory / METRICS).write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(UnreadableError, match=r"metrics.jsonl is damaged \(in line 2: "):
        read_metrics(directory)
    store = read_store(tmp_path)
    assert list(store.runs["seed"]) == [1]
    assert [e.file for e in store.unreadable] == [directory / METRICS]


def test_metrics_and_record_must_fit_together(tmp_path: Path) -> None:
    tensors = [json.dumps(row(k, tensor_distances=[0.1] * k)) + "\n" for k in (1, 2)]
    add(tmp_path, 0, json.dumps(finished(updates=2)), "".join(tensors))
    add(tmp_path, 1, json.dumps(finished(tensors=["weight", "bias"], seed=1)), tensors[0])
    add(tmp_path, 2, json.dumps(finished(seed=2)), json.dumps(row(distance=None)) + "\n")
    add(tmp_path, 3, json.dumps(record(seed=3)), ROW + SECOND)
    store = read_store(tmp_path)
    assert store.runs.empty
    assert [e.reason.partition(":")[0] for e in store.unreadable] == [
        "is damaged (its tensor_distances are not those of the record's tensors)",
        "is damaged (its tensor_distances are not those of the record's tensors)",
        "is damaged (its distance is not finite, but the run has finished)",
        "is damaged (it ends at update 2 of 1)",
    ]


@pytest.mark.parametrize("name", [RECORD, METRICS])
def test_a_folder_in_the_place_of_a_file_is_unreadable(name: str, tmp_path: Path) -> None:
    directory = add(tmp_path, 0)
    (directory / name).unlink()
    (directory / name).mkdir()
    assert [e.file for e in read_store(tmp_path).unreadable] == [directory / name]


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
    assert own_record(tmp_path / "absent") is None
    assert read_metrics(tmp_path / "absent").empty


def test_report_of_unreadable_records_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(tmp_path, 0, "{")
    assert report([f"results_dir={tmp_path}"]) == 1
    assert "is damaged" in capsys.readouterr().err
    assert not (tmp_path / "report").exists()
    assert report([f"results_dir={tmp_path}", "--check"]) == 1
