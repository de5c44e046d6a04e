"""A run that continues does so on the data that it began with."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from gengap.config.compose import compose_config
from gengap.config.identity import run_directory
from gengap.data.pack import pack
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.runs import read_record
from gengap.runs.record import METRICS, NEWEST, PREVIOUS, RECORD


def photograph(path, brightness):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((32, 32, 3), brightness, np.uint8)).save(path)


@pytest.fixture
def config(tmp_path):
    """A small training on photographs that stops after each update."""
    for split in ("train", "val"):
        for k, name in enumerate(("cat", "dog")):
            for i in range(8):
                photograph(tmp_path / "data" / "imagenet" / split / name / f"{i}.png", 90 * k + i)
    words = ["+experiment=digits_sb", "data=imagenet", "data.resize=32", "data.crop=32", "runtime.workers=0"]
    words += [
        "workload.small_batch=8",
        "workload.large_batch=8",
        "workload.epochs=2",
        "workload.milestones=[]",
    ]
    words += ["workload.lr=[0.1]", "model.name=tests.networks:small_alexnet", "runtime.time_budget=1e-9"]
    return compose_config([*words, f"data.root={tmp_path / 'data'}", f"results_dir={tmp_path / 'results'}"])


def refusal(config, caplog):
    caplog.clear()
    assert execute(config) == Outcome.REFUSED
    (line,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert "\n" not in line
    return line


def test_a_run_whose_data_changed_is_refused_until_they_are_back(config, tmp_path, caplog):
    assert execute(config) == Outcome.STOPPED
    directory = run_directory(config)
    before = read_record(directory)["data"]
    assert before["class_names"] == ["cat", "dog"]
    train = tmp_path / "data" / "imagenet" / "train"
    photograph(train / "cat" / "new.png", 7)
    line = refusal(config, caplog)
    assert (
        f"{directory} was trained on other data so far: the training set had 16 images and has 17 now; "
        in line
    )
    assert "remove the run's folder to start over" in line
    (train / "cat" / "new.png").unlink()
    photograph(train / "cat" / "0.png", 1)  # as large as before
    assert "images or labels of the training set are not the same" in refusal(config, caplog)
    photograph(train / "cat" / "0.png", 0)
    config.runtime.time_budget = None
    assert execute(config) == Outcome.FINISHED
    assert read_record(directory)["data"] == before


def test_a_run_without_checkpoint_starts_on_the_data_that_are_there(config, tmp_path):
    assert execute(config) == Outcome.STOPPED
    directory = run_directory(config)
    for file in directory.glob("checkpoint*"):
        file.unlink()
    photograph(tmp_path / "data" / "imagenet" / "train" / "cat" / "new.png", 7)
    assert execute(config) == Outcome.STOPPED
    assert read_record(directory)["data"]["train"] == 17


def test_a_run_from_before_fingerprints_continues(config):
    assert execute(config) == Outcome.STOPPED
    file = run_directory(config) / "run.json"
    record = json.loads(file.read_text())
    known = record["data"]
    record["data"] = {key: known[key] for key in ("train", "validation")}
    file.write_text(json.dumps(record))
    assert execute(config) == Outcome.STOPPED
    assert read_record(run_directory(config))["data"] == known


@pytest.mark.parametrize("gone", [RECORD, PREVIOUS])
def test_a_checkpoint_says_itself_what_it_was_trained_on(gone, config, tmp_path, caplog):
    for _ in range(2):
        assert execute(config) == Outcome.STOPPED
    (run_directory(config) / gone).unlink()
    photograph(tmp_path / "data" / "imagenet" / "train" / "cat" / "0.png", 1)
    for _ in range(2):  # the first leaves everything as it was
        assert "images or labels of the training set are not the same" in refusal(config, caplog)
    photograph(tmp_path / "data" / "imagenet" / "train" / "cat" / "0.png", 0)
    assert execute(config) == Outcome.STOPPED


@pytest.mark.parametrize("copied", [(NEWEST, METRICS), (NEWEST, PREVIOUS, METRICS), (RECORD,)], ids=str)
def test_files_of_the_same_run_on_other_data_are_refused(copied, config, tmp_path, caplog):
    """Name and seed are the same in another results folder; its checkpoint or its record is copied here."""
    for _ in range(2):
        assert execute(config) == Outcome.STOPPED
    here = run_directory(config)
    photograph(tmp_path / "data" / "imagenet" / "train" / "cat" / "0.png", 1)
    config.results_dir = str(tmp_path / "others")
    for _ in range(2):
        assert execute(config) == Outcome.STOPPED
    for name in copied:
        shutil.copy(run_directory(config) / name, here / name)
    config.results_dir = str(tmp_path / "results")
    if copied == (RECORD,):  # whose data are those that are there now
        assert "was trained on other data so far" in refusal(config, caplog)
    photograph(tmp_path / "data" / "imagenet" / "train" / "cat" / "0.png", 0)
    assert "was trained on other data so far" in refusal(config, caplog)


def test_a_run_on_the_original_files_is_not_continued_on_the_packed_copy(config, tmp_path, caplog):
    assert execute(config) == Outcome.STOPPED
    pack(tmp_path / "data" / "imagenet", 0, lambda done, total: None)
    config.data.packed = True
    line = f"{run_directory(config)} was trained with data.packed=false so far: add that, "
    assert line in refusal(config, caplog)
    config.data.packed = False
    assert execute(config) == Outcome.STOPPED
