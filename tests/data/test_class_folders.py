"""Class folders as they are in the wild, against torchvision's ImageFolder."""

import errno
import logging
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import ImageFolder
from torchvision.datasets.folder import IMG_EXTENSIONS

from gengap.data.class_folders import ClassFolders
from gengap.data.folders import imagenet
from gengap.errors import UserError

HIDDEN = (
    *(".hidden/a.jpg", "a/.ipynb_checkpoints/x.jpg", "a/._x.jpg", "a/.DS_Store", "b/Thumbs.db", ".DS_Store"),
    *("__MACOSX/a/x.jpg", ".ipynb_checkpoints/x.jpg", "a/@eaDir/x.jpg", "$RECYCLE.BIN/x.jpg"),
    "b/deep/__MACOSX/x.jpg",
)  # fmt: skip
OTHER = ("a/x.gif", "a/y.GIF", "b/deep/labels.txt", "b/README", "x.jpg")


def image(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(path, "PNG")


@pytest.fixture
def root(tmp_path):
    """Two classes with nested folders and every extension, in both cases, in both splits."""
    for split in ("train", "val"):
        for folder in ("a", "a/z", "a-", "b/deep/er", "b/deep", "b/deep-er"):
            for suffix in (*IMG_EXTENSIONS, *(s.upper() for s in IMG_EXTENSIONS)):
                image(tmp_path / split / folder / f"1{suffix}")
        image(tmp_path / split / "b" / "folder.jpg" / "x.png")
    return tmp_path


def add(root, split, names):
    for name in names:
        image(root / split / name)


def samples(folders):
    return [(path, k) for k, name in enumerate(folders.names) for path in folders.images(name)]


def test_samples_and_classes_are_those_of_imagefolder(root):
    found, reference = ClassFolders(root / "train"), ImageFolder(root / "train")
    assert found.names == reference.classes == ["a", "a-", "b"]
    assert samples(found) == reference.samples
    assert not found.left_out
    files = imagenet(root)
    assert files.class_names == ("a", "a-", "b")
    assert sorted(zip(files.train.paths, files.train.labels, strict=True)) == sorted(reference.samples)


def test_hidden_folders_and_files_are_left_out(root):
    before = ImageFolder(root / "train")
    add(root, "train", HIDDEN)
    found = ClassFolders(root / "train")
    assert found.names == before.classes
    assert samples(found) == before.samples
    assert found.left_out == {"hidden": len(HIDDEN)}


def test_one_line_counts_what_is_left_out(root, caplog):
    add(root, "train", (*HIDDEN, *OTHER))
    with caplog.at_level(logging.INFO):
        imagenet(root)
    (line,) = [r.getMessage() for r in caplog.records]
    kinds = f"2 .gif, 1 .txt, {len(HIDDEN)} hidden, 1 outside the class folders, 1 without an extension"
    assert line == f"{root / 'train'}: left out {kinds}"


def test_linked_folders_and_files_are_read_as_imagefolder_reads_them(root, tmp_path):
    image(tmp_path / "elsewhere" / "sub" / "x.png")
    (root / "train" / "c").symlink_to(tmp_path / "elsewhere")
    (root / "train" / "a" / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "train" / "a" / "copy.png").symlink_to(tmp_path / "elsewhere" / "sub" / "x.png")
    found, reference = ClassFolders(root / "train"), ImageFolder(root / "train")
    assert found.names == reference.classes
    assert samples(found) == reference.samples


@pytest.mark.parametrize(
    ("link", "target", "says"),
    [
        ("a/x.jpg", "nowhere.jpg", "is a link that leads nowhere"),
        ("c", "nowhere", "is a link that leads nowhere"),
        ("a/again", ".", "is a link to a folder that it lies in"),
        ("a/up", "..", "is a link to a folder that it lies in"),
        ("b/deep/er/up", "..", "is a link to a folder that it lies in"),
    ],
)
def test_a_link_to_nowhere_or_upwards_is_named(link, target, says, root):
    (root / "train" / link).symlink_to(target)
    with pytest.raises(UserError, match=says) as error:
        imagenet(root)
    assert str(error.value).startswith(str(root / "train" / link))


def test_links_in_a_circle_are_named(root):
    (root / "train" / "a" / "z" / "to_b").symlink_to(root / "train" / "b")
    (root / "train" / "b" / "deep" / "to_a").symlink_to(root / "train" / "a" / "z")
    with pytest.raises(UserError, match="is a link to a folder that it lies in"):
        imagenet(root)


def test_a_folder_that_one_may_not_read_is_named(root, monkeypatch):
    def refusing(folder, scandir=os.scandir):
        if str(folder).endswith("z"):
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr("gengap.data.class_folders.os.scandir", refusing)
    with pytest.raises(UserError, match=r"train/a/z can't be read \(Permission denied\)"):
        imagenet(root)


def test_a_class_with_nothing_but_hidden_or_other_files_is_named(root):
    add(root, "train", ["c/.x.jpg", "c/x.gif"])
    with pytest.raises(UserError, match=r"no images \(\*\.jpg, .*\*\.webp\) in .*train/c: add some"):
        imagenet(root)


def test_data_limit_keeps_all_classes_of_nested_folders(root):
    assert np.array_equal(imagenet(root).train.labels[:6], [0, 1, 2] * 2)


@pytest.mark.parametrize("typed", ["photos/animals", "photos/animals/train/..", "."])
def test_splits_that_lie_directly_in_data_root_are_named_with_what_to_type(typed, tmp_path, monkeypatch):
    animals = tmp_path / "photos" / "animals"
    add(animals, "train", ["a/x.jpg"])
    add(animals, "val", ["a/y.jpg"])
    monkeypatch.chdir(animals if typed == "." else tmp_path)
    with pytest.raises(UserError, match="no images in .*imagenette/train, but there are ") as error:
        imagenet(Path(typed, "imagenette"))
    root, folder = str(error.value).rpartition("type ")[2].split()
    where = Path(root.removeprefix("data.root="), folder.removeprefix("data.folder="))
    assert where.resolve() == animals
