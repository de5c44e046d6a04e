"""Photographs that can't be decoded: counted, named and replaced by the next, up to a number."""

import logging
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gengap.config.identity import run_directory
from gengap.config.schema import Data
from gengap.data.decoded import CHUNK_SIZE, DecodedImages
from gengap.data.sources import ImageFiles
from gengap.data.stream import Batches, Stream
from gengap.faults import MachineError
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.runs import read_record
from gengap.runs.record import NEWEST
from tests.photographs import run_config, write_photographs

CPU = torch.device("cpu")
SAMPLES = 2 * CHUNK_SIZE + 10
# More workers than cores is what the tests are for
pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")


def config(most_bad=10):
    return Data(
        name="imagenet", resize=20, crop=16, mean=[0.0] * 3, std=[1 / 255] * 3, bad_photographs=most_bad
    )


@pytest.fixture
def files(tmp_path):
    """Images of one color each, which is their index."""
    paths = [tmp_path / f"{k:03}.png" for k in range(SAMPLES)]
    for k, path in enumerate(paths):
        Image.new("RGB", (20, 24), (k, 255 - k, 0)).save(path)
    return ImageFiles(np.array([str(p) for p in paths], object), np.arange(SAMPLES))


def damage(files, *indices):
    """Cut files in their pixels: they still open."""
    for index in indices:
        path = files.paths[index]
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 20, 3), dtype=np.uint8)).save(path)
        os.truncate(path, Path(path).stat().st_size // 2)
        Image.open(path).close()


def decoded(files, workers, most_bad=10):
    return DecodedImages(files, config(most_bad), CPU, workers, augment=True)


def seen(images, batch):
    """The index that each image of a batch shows, which must be its label."""
    pixels, labels = images.preprocess(batch)
    assert torch.equal(pixels[:, 0, 3, 5].round().long(), labels)
    return labels.tolist()


@pytest.mark.parametrize("workers", [0, 3])
def test_the_next_one_is_taken_with_its_label_by_any_number_of_workers(workers, files, caplog):
    bad = {
        5: 6,
        6 + CHUNK_SIZE: 9 + CHUNK_SIZE,
        7 + CHUNK_SIZE: 9 + CHUNK_SIZE,
        8 + CHUNK_SIZE: 9 + CHUNK_SIZE,
    }
    bad[SAMPLES - 1] = 0  # after the last, the first
    damage(files, *bad)
    images = decoded(files, workers)
    stream = Stream(0, Batches(SAMPLES, (SAMPLES,)), images.crop_positions)
    batches = images.batches(stream, 0)
    for update in range(2):
        expected = [bad.get(index, index) for index in stream.batch(update).indices]
        assert seen(images, next(batches)) == expected
    batches.close()
    evaluated = torch.cat([labels for _, labels in images.evaluation_batches(SAMPLES)])
    assert evaluated.tolist() == [bad.get(index, index) for index in range(SAMPLES)]
    assert sorted(images.bad) == [f"{k:03}.png" for k in sorted(bad)]
    lines = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(lines) == len(bad)  # one each, however often it is met
    assert all(line.endswith("the next photograph is taken instead") for line in lines)


@pytest.mark.parametrize("workers", [0, 2])
def test_more_than_allowed_end_training_in_one_line(workers, files):
    damage(files, *range(20, 24))
    images = decoded(files, workers, most_bad=3)
    with pytest.raises(MachineError) as error:
        list(images.evaluation_batches(SAMPLES))
    assert str(error.value).startswith(
        "4 photographs can't be decoded, more than data.bad_photographs=3 "
        f"(the last: {files.paths[23]} can't be read as an image"
    )
    assert "\n" not in str(error.value)
    assert len(decoded(files, 0, most_bad=4).bad) == 0
    allowed = decoded(files, workers, most_bad=4)
    assert sum(len(labels) for _, labels in allowed.evaluation_batches(SAMPLES)) == SAMPLES


def test_a_split_without_any_good_one_ends_in_one_line(files):
    damage(files, 0, 1, 2)
    few = ImageFiles(files.paths[:3], files.labels[:3])
    line = r"^none of the 3 photographs of a split can be decoded \(the last: "
    with pytest.raises(MachineError, match=line):
        list(DecodedImages(few, config(), CPU, 0, augment=True).evaluation_batches(3))


def test_workers_stay_alive_from_one_evaluation_to_the_next(files):
    images = decoded(files, 2)
    processes, results = [], []
    for _ in range(2):
        results.append(torch.cat([pixels for pixels, _ in images.evaluation_batches(50)]))
        processes.append({w.pid for w in images._evaluation[1]._iterator._workers})
    assert processes[0] == processes[1]
    assert len(processes[0]) == 2
    assert torch.equal(*results)
    next(images.evaluation_batches(50))  # given up after its first batch
    assert torch.equal(torch.cat([p for p, _ in images.evaluation_batches(50)]), results[0])
    images.close()


@pytest.fixture
def folder(tmp_path):
    """3 of 48 training files and 1 of 16 validation files are cut in their pixels."""
    return write_photographs(tmp_path)


def test_a_record_names_them_and_the_run_finishes(folder, tmp_path):
    config = run_config(folder, tmp_path / "r")
    assert execute(config) == Outcome.FINISHED
    record = read_record(run_directory(config))
    assert record["data"]["bad_photographs"] == {
        "train": ["a/03.JPEG", "b/03.JPEG", "b/20.JPEG"],
        "validation": ["b/07.JPEG"],
    }


def test_too_many_save_the_run_which_goes_on_where_more_are_allowed(folder, tmp_path, caplog):
    whole = run_config(folder, tmp_path / "whole")
    assert execute(whole) == Outcome.FINISHED
    strict = run_config(folder, tmp_path / "r", "data.bad_photographs=2")
    assert execute(strict) == Outcome.INTERRUPTED
    (line,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert "3 photographs can't be decoded, more than data.bad_photographs=2" in line
    directory = run_directory(strict)
    assert len(read_record(directory)["data"]["bad_photographs"]["train"]) == 3
    done = torch.load(directory / NEWEST, weights_only=True)["done"]
    assert 0 < done < 6
    caplog.clear()
    assert execute(strict) == Outcome.INTERRUPTED  # those found before count
    (line,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert "more than data.bad_photographs=2 (the last: b/20.JPEG, found earlier in this run)" in line
    assert torch.load(directory / NEWEST, weights_only=True)["done"] == done
    patient = run_config(folder, tmp_path / "r", "data.bad_photographs=3")
    assert run_directory(patient) == directory
    assert execute(patient) == Outcome.FINISHED
    records = [read_record(run_directory(c)) for c in (whole, patient)]
    assert records[0]["summary"] == records[1]["summary"]
    assert records[0]["data"] == records[1]["data"]
