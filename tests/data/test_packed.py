"""The packed copy of photographs: what it holds, how it is continued, and how damage is found."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from gengap.cli import prepare
from gengap.cli.prepare import main
from gengap.config.schema import Data
from gengap.data import pack as packing
from gengap.data.decoded import DecodedImages
from gengap.data.fingerprint import fingerprint
from gengap.data.load import load
from gengap.data.pack import _Packer, pack
from gengap.data.packed import FILE, check, packed
from gengap.errors import FaultError, UserError
from gengap.faults import MachineError

SIZES = [(300, 400), (512, 300), (200, 260), (256, 256)]
ANY = "gengap prepare takes imagenet, for ImageNet and for any folder of photographs"
CONFIG = Data(name="imagenet", resize=40, crop=32, mean=[0.5] * 3, std=[0.5] * 3)


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """JPEGs of four sizes, a small PNG, and one that is cut off; 2 classes."""
    root = tmp_path_factory.mktemp("originals") / "imagenet"
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for name in ("a", "b"):
            (root / split / name).mkdir(parents=True)
            for k, (width, height) in enumerate(SIZES):
                coarse = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
                image = coarse.resize((width, height), Image.Resampling.BICUBIC)
                image.save(root / split / name / f"{k}.JPEG")
    image.resize((70, 90)).save(root / "train" / "a" / "small.png")
    cut = root / "train" / "b" / "cut.JPEG"
    shutil.copy(root / "train" / "b" / "0.JPEG", cut)
    os.truncate(cut, cut.stat().st_size // 2)
    return root


@pytest.fixture
def folder(originals, tmp_path):
    shutil.copytree(originals, tmp_path / "imagenet")
    return tmp_path / "imagenet"


def ignore(done, total):
    pass


def rows(folder):
    with closing(sqlite3.connect(folder / FILE)) as connection:
        return connection.execute("SELECT * FROM photographs JOIN contents USING (id) ORDER BY id").fetchall()


def test_it_holds_every_photograph_with_a_shorter_side_of_at_most_256(folder):
    pack(folder, 1, ignore)
    copy, source = packed(folder), load("imagenet", str(folder.parent), "imagenet")
    for split in ("train", "test"):
        files, original = getattr(copy, split), getattr(source, split)
        assert files.labels.tolist() == original.labels.tolist()
        assert [p.removeprefix(str(folder / FILE)) for p in files.paths] == [
            p.removeprefix(str(folder)) for p in original.paths
        ]
    assert copy.class_names == source.class_names
    assert copy.num_classes == 2
    contents = {Path(p).name: copy.train.contents.read(p) for p in copy.train.paths if "/a/" in p}
    for name in ("2.JPEG", "3.JPEG"):  # small enough
        assert contents[name] == (folder / "train" / "a" / name).read_bytes()
    sizes = {name: Image.open(BytesIO(content)).size for name, content in contents.items()}
    expected = {"0.JPEG": (256, 341), "1.JPEG": (436, 256), "small.png": (70, 90)}
    assert {name: sizes[name] for name in expected} == expected
    found = np.asarray(Image.open(BytesIO(contents["1.JPEG"]))).astype(int)
    with Image.open(folder / "train" / "a" / "1.JPEG") as image:
        whole = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]
    resized = F.interpolate(whole, (256, 436), mode="bilinear", antialias=True)[0].permute(1, 2, 0).numpy()
    assert abs(found - resized).mean() < 2  # of 255: it is compressed again


def test_training_reads_the_same_crops_and_counts_what_could_not_be_packed(folder):
    pack(folder, 1, ignore)
    views = []
    for source in (load("imagenet", str(folder.parent), "imagenet", packed=p) for p in (False, True)):
        images = DecodedImages(source.train, CONFIG, torch.device("cpu"), 1, augment=False)
        views.append(torch.cat([pixels for pixels, _ in images.evaluation_batches(5)]))
        assert list(images.bad) == ["b/cut.JPEG"]
    assert (views[0] - views[1]).abs().mean() < 0.02  # of 2


def test_the_fingerprint_tells_which_one_was_read(folder):
    pack(folder, 1, ignore)
    original, copy = (load("imagenet", str(folder.parent), "imagenet", packed=p) for p in (False, True))
    assert fingerprint(original)["train"] != fingerprint(copy)["train"]
    before = fingerprint(copy)
    (folder / FILE).unlink()
    pack(folder, 2, ignore)
    assert fingerprint(packed(folder)) == before
    (folder / FILE).unlink()
    Image.new("RGB", (300, 400)).save(folder / "train" / "a" / "0.JPEG")
    pack(folder, 1, ignore)
    after = fingerprint(packed(folder))
    assert after["train"] != before["train"]
    assert after["test"] == before["test"]


KILLED = """
import os, signal, sys
from pathlib import Path
from gengap.data import pack
pack.BATCH = 5
def advance(done, total):
    if done == 10:
        os.kill(os.getpid(), signal.SIGKILL)
pack.pack(Path(sys.argv[1]), 1, advance)
"""


@pytest.mark.slow
def test_a_killed_one_is_continued_to_the_same_copy(folder, tmp_path, monkeypatch):
    whole = tmp_path / "whole"
    shutil.copytree(folder, whole)
    pack(whole, 1, ignore)
    ended = subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not check(folder, ignore)
    with pytest.raises(UserError, match=r"sqlite is not complete: type the gengap prepare that began it"):
        packed(folder)
    calls = []
    monkeypatch.setattr(packing, "BATCH", 5)
    pack(folder, 1, lambda done, total: calls.append((done, total)))
    assert calls == [(15, 18), (18, 18)]
    expected = [[str(v).replace(str(whole), str(folder)) for v in row] for row in rows(whole)]
    assert [[str(v) for v in row] for row in rows(folder)] == expected
    assert fingerprint(packed(folder)) == fingerprint(packed(whole))


def test_one_begun_with_other_photographs_is_not_continued(folder):
    with pytest.raises(KeyboardInterrupt):
        pack(folder, 0, interrupt)
    (folder / "train" / "a" / "0.JPEG").rename(folder / "train" / "a" / "new.JPEG")
    with pytest.raises(UserError, match=r"sqlite was begun with other photographs: remove it to start over"):
        pack(folder, 0, ignore)


def interrupt(done, total):
    raise KeyboardInterrupt


def test_a_flipped_bit_is_found_by_the_command_and_in_training(folder, capsys):
    words = ["imagenet", f"data.root={folder.parent}", "workers=1"]
    assert main(words) == 0
    assert "train with data.packed=true" in capsys.readouterr().out
    assert main(words) == 0
    assert "every photograph is as it was packed" in capsys.readouterr().out
    file = folder / FILE
    data = bytearray(file.read_bytes())
    content = (folder / "train" / "a" / "2.JPEG").read_bytes()
    data[data.index(content) + len(content) // 2] ^= 1
    file.write_bytes(data)
    line = (
        r"sqlite is damaged \(the checksum of train/a/2\.JPEG does not fit\): remove it, and gengap prepare"
    )
    with pytest.raises(UserError, match=line):
        main(words)
    images = DecodedImages(packed(folder).train, CONFIG, torch.device("cpu"), 0, augment=False)
    list(images.evaluation_batches(4))
    assert sorted(images.bad) == ["a/2.JPEG", "b/cut.JPEG"]
    assert "does not fit" in images.bad["a/2.JPEG"]


class Failing:
    """A connection on which every query fails with an error code of SQLite."""

    def __init__(self, code):
        self._error = sqlite3.OperationalError("disk I/O error")
        self._error.sqlite_errorcode = code

    def execute(self, *_):
        raise self._error


@pytest.mark.parametrize(
    ("code", "is_passing"),
    [(sqlite3.SQLITE_IOERR_READ, True), (sqlite3.SQLITE_CANTOPEN, True), (sqlite3.SQLITE_CORRUPT, False)],
)
def test_a_passing_error_replaces_no_photograph(code, is_passing, folder):
    pack(folder, 0, ignore)
    files = packed(folder).train
    files.contents._connection = os.getpid(), Failing(code)
    images = DecodedImages(files, CONFIG, torch.device("cpu"), 0, augment=False)
    kind, line = (MachineError, "can't be read .disk I/O error.") if is_passing else (UserError, "damaged")
    with pytest.raises(kind, match=line):
        list(images.evaluation_batches(4))
    assert not images.bad


def test_a_photograph_that_vanishes_ends_packing_in_one_line(folder):
    found = _Packer([str(folder / "train" / "gone.JPEG")])[0]
    assert isinstance(found, MachineError)
    assert "gone.JPEG: No such file" in str(found)


def test_a_folder_that_has_changed_since_is_refused(folder, capsys):
    words = ["imagenet", f"data.root={folder.parent}", "workers=1"]
    assert main(words) == 0
    os.utime(folder / "train" / "a" / "1.JPEG", ns=(0, 0))  # of another time, but the same
    assert main(words) == 0
    old = folder / "train" / "a" / "0.JPEG"
    flipped = old.read_bytes()[:-1] + b"\0"
    old.write_bytes(flipped)
    os.utime(old, ns=(0, 0))  # of the same size
    Image.new("RGB", (300, 400)).save(folder / "train" / "b" / "cut.JPEG")  # mended
    Image.new("RGB", (300, 400)).save(folder / "train" / "b" / "new.JPEG")
    (folder / "val" / "a" / "3.JPEG").unlink()
    with pytest.raises(FaultError) as error:
        main(words)
    file = folder / FILE
    counts = "1 new, 1 gone, 2 changed"
    assert str(error.value) == f"{file}: the folder has changed since ({counts}): remove {file} to pack again"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DROP TABLE originals")  # as in a copy that an older version made
    with pytest.raises(FaultError, match=r"has changed since \(1 new, 1 gone\)"):
        main(words)
    for split in ("train", "val"):
        shutil.rmtree(folder / split)
    assert main(words) == 0  # there is nothing to compare with


def test_the_command_lists_what_it_could_not_decode(folder, monkeypatch, capsys):
    monkeypatch.setattr(prepare, "LINE_SECONDS", -1.0)  # a line after every batch
    for _ in range(2):  # packed, then checked
        assert main(["imagenet", f"data.root={folder.parent}", "workers=1"]) == 0
        progress, bad, count = capsys.readouterr().err.splitlines()
        assert progress == "gengap: 18 of 18 photographs"
        assert bad.startswith(f"gengap: {folder}/train/b/cut.JPEG can't be read as an image")
        assert count == "gengap: 1 photograph could not be decoded"


def test_a_changed_list_and_what_is_no_copy_are_found_before_training(folder):
    file = pack(folder, 0, ignore)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE photographs SET label = 1 - label WHERE id = 3")
    with pytest.raises(UserError, match="the list of its photographs is not as it was written"):
        packed(folder)
    for content in (b"no data base, but a file of some length" * 99, b""):
        file.write_bytes(content)
        with pytest.raises(UserError, match=r"photographs-256\.sqlite is damaged \("):
            packed(folder)
    file.unlink()
    with pytest.raises(UserError, match=r"there is no .*sqlite: type gengap prepare imagenet data\.root=DIR"):
        packed(folder)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], f"{ANY}: type gengap prepare imagenet"),
        (
            ["photographs", "data.root=a b", "data.folder=animals"],
            f"{ANY}: type gengap prepare imagenet 'data.root=a b' data.folder=animals",
        ),
        (["imagenet", "workers=many"], "workers=many must be a whole number from 1 to 512"),
        (["imagenet", "root=x"], "unknown argument root=x"),
        (["imagenet", "data.root=/nowhere"], "no images in /nowhere/imagenet/train"),
    ],
)
def test_mistakes_get_a_line(words, line):
    with pytest.raises(UserError) as error:
        main(words)
    assert str(error.value).startswith(line)


def test_only_image_files_have_a_copy():
    with pytest.raises(UserError, match="data.packed=true: only imagenet has a packed copy, not mnist"):
        load("mnist", "anywhere", packed=True)
