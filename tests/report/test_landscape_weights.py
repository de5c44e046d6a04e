"""Measurements of other weights than those of the recorded run, and whose accuracy stands beside them."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from landscape_records import add_measured, rows, sharp
from report_records import Store

from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.report.cells import read_records
from gengap.report.landscape import subjects, weights
from tests.conftest import composed
from tests.landscape.conftest import SHORT

OTHER = "f" * 64


@pytest.fixture
def made(tmp_path: Path, command_line: Callable[[Sequence[str]], tuple[object, str, str]]) -> Path:
    """Short runs of SB and LB that kept their weights, the line between them, and a sharpness of LB."""
    folder = tmp_path / "mine"
    for method in ("sb", "lb"):
        words = [f"+experiment=digits_{method}", *SHORT, "runtime.keep_weights=true"]
        assert execute(composed(words, folder)) == Outcome.FINISHED
    for kind in ("line points=4", "sharpness samples=100", "accuracy"):
        words = [*kind.split(), "+experiment=digits_lb", *SHORT, f"results_dir={folder}"]
        code, err, _ = command_line(["landscape", *words])
        assert code == 0, err
    return folder


def retrained(folder: Path, method: str) -> None:
    """As if the run had been trained again and had ended with other weights."""
    (file,) = folder.glob(f"runs/digits_f1-{method}-*/seed0/run.json")
    record = json.loads(file.read_text())
    assert len(record["weights_sha256"]) == len(OTHER)
    file.write_text(json.dumps(record | {"weights_sha256": OTHER}))


def left_out(folder: Path) -> dict[str, str]:
    """The reason by kind."""
    found = rows(subjects.left_out(read_records(folder)))
    return {Path(row["file"]).name.partition("-")[0]: row["why"] for row in found}


def test_measurements_of_the_weights_of_the_run_count(made: Path) -> None:
    records = read_records(made)
    assert left_out(made) == {}
    assert {r.kind for r in subjects.read(records)} == {"accuracy", "line", "sharpness"}
    (accuracy,) = records.runs[records.runs["method"] == "lb"]["last_val_accuracy"]
    assert {r.accuracy for r in subjects.read(records)} == {accuracy}


def test_measurements_of_other_weights_are_named_and_left_out(made: Path) -> None:
    retrained(made, "sb")
    assert left_out(made) == {"line": weights.OTHER_START}
    retrained(made, "lb")
    assert left_out(made) == dict.fromkeys(("accuracy", "line", "sharpness"), weights.OTHER)
    assert subjects.read(read_records(made)) == []


def test_an_accuracy_of_the_same_weights_comes_before_that_of_a_run_that_names_none(store: Store) -> None:
    store.add("digits_sb", 0, 95.0, rows=[{"update": 2000, "distance": 3.5}])
    evaluation = {
        "batch_norm": "trained", "train_loss": 0.01, "train_error": 0.5, "val_loss": 0.1, "val_error": 3.0,
        "run_val_accuracy": 97.0,
    }  # fmt: skip
    add_measured(store, "digits_sb", 0, "accuracy", [evaluation], weights=OTHER)
    add_measured(store, "digits_sb", 0, "sharpness", [sharp(2.0)], weights=OTHER)
    add_measured(store, "digits_sb", 0, "adaptive", [], weights="e" * 64)
    records = read_records(store.root)
    found = {r.kind: (r.accuracy, r.train_accuracy) for r in subjects.read(records)}
    assert (found["sharpness"], found["adaptive"][0]) == ((97.0, 99.5), 95.0)
    (row,) = rows(weights.Weights(records).of_another_training())
    assert [*row.values()][1:] == ["0", "95.00", "97.00"]
