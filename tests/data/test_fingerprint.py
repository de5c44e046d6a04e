"""The fingerprint of a data set: what changes it and what doesn't."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from gengap.data import fingerprint as module
from gengap.data.description import describe, what_changed
from gengap.data.fingerprint import fingerprint
from gengap.data.folders import imagenet
from gengap.data.sources import ImageFiles, Images, Source
from gengap.data.splits import Splits
from gengap.errors import UserError
from tests.datasets import stripes

ARRAYS = stripes(None)


@pytest.fixture
def folder(tmp_path):
    """Files in class folders; nothing here decodes them."""
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            (tmp_path / "set" / split / name).mkdir(parents=True)
            for k in range(5):
                (tmp_path / "set" / split / name / f"{k}.jpg").write_bytes(f"{split}{name}{k}".encode() * 50)
    return tmp_path / "set"


def described(source):
    return describe(source, Splits(source.train, source.test))


def changed(folder, change):
    """What `change(folder)` changed, in words."""
    before = described(imagenet(folder))
    change(folder)
    return what_changed(before, described(imagenet(folder)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda f: shutil.copy(f / "train" / "cat" / "0.jpg", f / "train" / "cat" / "new.jpg"),
            "the training set had 10 images and has 11 now",
        ),
        (lambda f: (f / "val" / "cat" / "0.jpg").unlink(), "the validation set had 10 images and has 9 now"),
        (
            lambda f: [(f / s / "dog").rename(f / s / "hound") for s in ("train", "val")],
            "class 'dog' is gone, class 'hound' is new",
        ),
        (
            lambda f: [shutil.copytree(f / s / "dog", f / s / "fox") for s in ("train", "val")],
            "the training set had 10 images and has 15 now, the validation set had 10 images and has 15 now, "
            "there were 2 classes and are 3 now, class 'fox' is new",
        ),
        (
            lambda f: (f / "train" / "cat" / "0.jpg").rename(f / "train" / "cat" / "9.jpg"),
            "images or labels of the training set are not the same",
        ),
        (
            lambda f: (f / "val" / "cat" / "0.jpg").write_bytes(b"longer" * 100),
            "images or labels of the test set are not the same",
        ),
        (
            lambda f: (f / "train" / "cat" / "3.jpg").write_bytes(b"traincat4" * 50),
            "images or labels of the training set are not the same",
        ),
        (
            lambda f: [(f / s / "dog" / "0.jpg").write_bytes(b"x") for s in ("train", "val")],
            "images or labels of the training and the test set are not the same",
        ),
    ],
    ids=["added", "removed", "renamed", "new class", "file renamed", "size", "same size", "both splits"],
)  # fmt: skip
def test_changed_files_are_told_in_words(change, says, folder):
    assert changed(folder, change) == says


def test_where_files_lie_and_when_they_were_written_does_not_matter(folder, tmp_path):
    def move(_):
        shutil.copytree(folder, tmp_path / "elsewhere", copy_function=shutil.copyfile)
        os.utime(folder / "train" / "cat" / "0.jpg", (0, 0))
        (folder / "train" / "cat" / ".DS_Store").touch()

    assert changed(folder, move) == ""
    assert fingerprint(imagenet(tmp_path / "elsewhere")) == fingerprint(imagenet(folder))


def test_of_a_large_split_every_kth_file_is_read_and_the_size_of_all(folder, monkeypatch):
    size = (folder / "train" / "cat" / "0.jpg").stat().st_size
    monkeypatch.setattr(module, "CONTENT", 4 * size)  # of 10 files, every third is read
    read = []
    content = module._content
    monkeypatch.setattr(module, "_content", lambda path: read.append(path) or content(path))
    files = imagenet(folder)
    before = fingerprint(files)
    assert sorted(p for p in read if "train" in p[len(str(folder)) :]) == sorted(files.train.paths[::3])
    (folder / "train" / "dog" / "0.jpg").write_bytes(b"x")  # the second
    assert fingerprint(files)["train"] != before["train"]


@pytest.mark.parametrize(
    "change",
    [
        {"images": ARRAYS.train.images ^ np.uint8(1)},
        {"images": ARRAYS.train.images[::-1]},
        {"images": ARRAYS.train.images.reshape(60, 10, 12, 3)},
        {"labels": ARRAYS.train.labels[::-1]},
        {"images": ARRAYS.train.images[:-1], "labels": ARRAYS.train.labels[:-1]},
    ],
)
def test_changed_arrays_change_the_fingerprint_of_their_split(change):
    other = fingerprint(replace(ARRAYS, train=replace(ARRAYS.train, **change)))
    assert other["train"] != fingerprint(ARRAYS)["train"]
    assert other["test"] == fingerprint(ARRAYS)["test"]


def test_how_arrays_lie_in_memory_does_not_matter():
    train = Images(np.asfortranarray(ARRAYS.train.images), np.repeat(ARRAYS.train.labels, 2)[::2])
    assert fingerprint(replace(ARRAYS, train=train)) == fingerprint(ARRAYS)


def test_golden_fingerprint():
    """Records rest on it: another would refuse every run that began with this one."""
    assert fingerprint(ARRAYS) == GOLDEN


GOLDEN = {"train": "9d44fb97c42def20b115846dfa312473", "test": "45d33044b31152a449eae87960802582"}


@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda p: p.mkdir(), lambda p: p.symlink_to("nowhere"), lambda p: None]
)
def test_what_is_no_file_is_named(make, tmp_path):
    make(tmp_path / "x.jpg")
    files = ImageFiles(np.array([str(tmp_path / "x.jpg")], object), np.zeros(1, np.int64))
    with pytest.raises(UserError, match=r"x\.jpg (can't be read|is not a file)") as error:
        fingerprint(Source(files, files, 1))
    assert str(error.value).startswith(str(tmp_path / "x.jpg"))


def test_class_names_are_described_if_they_are_not_too_many():
    assert "class_names" not in described(ARRAYS)
    assert described(replace(ARRAYS, class_names=("a", "b", "\udcff")))["class_names"] == [
        "a",
        "b",
        "\\udcff",
    ]
    many = replace(ARRAYS, class_names=tuple(map(str, range(1001))))
    assert "class_names" not in described(many)


def test_older_descriptions_without_fingerprint_are_accepted_unless_counts_differ():
    now = described(ARRAYS)
    assert what_changed({}, now) == what_changed({"train": 60, "validation": 30}, now) == ""
    assert what_changed({"train": 59}, now) == "the training set had 59 images and has 60 now"


def test_many_new_classes_are_counted():
    now = described(replace(ARRAYS, class_names=("a", "b", "c")))
    before = now | {"class_names": [*"cdefgh"], "fingerprint": {"train": "", "test": ""}}
    assert what_changed(before, now) == (
        "classes 'd', 'e', 'f' and 2 more are gone, classes 'a', 'b' are new"
    )
