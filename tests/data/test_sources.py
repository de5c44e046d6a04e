"""Data sets by name: a user's own, missing ones, and damaged ones."""

import logging
import subprocess
import sys
from dataclasses import replace
from ssl import SSLCertVerificationError
from urllib.error import URLError

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from gengap.config.compose import compose_config
from gengap.config.identity import run_directory
from gengap.data.checks import check_source
from gengap.data.load import DEFAULT_ROOT, TRAINING_IMAGES, load
from gengap.data.sources import ImageFiles, Images, Source
from gengap.errors import UserError
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.runs import read_record
from tests.datasets import stripes

RAW = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
CIFAR10 = ("batches.meta", "test_batch", *(f"data_batch_{k}" for k in range(1, 6)))
FILES = {
    "mnist": [f"MNIST/raw/{n}-ubyte" for n in RAW],
    "cifar10": [f"cifar-10-batches-py/{n}" for n in CIFAR10],
    "cifar100": [f"cifar-100-python/{n}" for n in ("meta", "train", "test")],
}


def own_config(tmp_path, *overrides):
    """Configuration of a network and data set given by package.module:factory."""
    short = ["workload.epochs=2", "workload.milestones=[]", "workload.lr=[0.1]", "method.batch_size=12"]
    data = ["data.name=tests.datasets:stripes", "data.mean=[0.5,0.5,0.5]", "data.std=[0.5,0.5,0.5]"]
    network = ["model.name=tests.networks:small_alexnet", f"results_dir={tmp_path}"]
    return compose_config(["+experiment=digits_sb", *data, *short, *network, *overrides])


def error_line(config, caplog):
    """The one line that a run fails with."""
    with caplog.at_level(logging.ERROR):
        assert execute(config) == Outcome.REFUSED
    (record,) = [r for r in caplog.records if r.levelname == "ERROR"]
    assert "\n" not in record.getMessage()
    assert read_record(run_directory(config)) is None
    return record.getMessage()


def test_a_user_s_own_data_set_and_network_train(tmp_path):
    config = own_config(tmp_path)
    assert execute(config) == Outcome.FINISHED
    record = read_record(run_directory(config))
    counts = {key: record["data"][key] for key in ("train", "validation", "classes")}
    assert counts == {"train": 60, "validation": 30, "classes": 3}
    assert record["summary"]["updates"] == 10
    assert record["summary"]["last_val_accuracy"] > 50  # a third by guessing


VALID = stripes(None)
PIXELS, LABELS = VALID.train.images, VALID.train.labels


def broken(**changes):
    return replace(VALID, train=replace(VALID.train, **changes))


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ((1, 2), "returned a builtins.tuple: let it return a gengap.data.sources.Source"),
        (replace(VALID, test=None), "test: got a builtins.NoneType: let it be a"),
        (broken(images=PIXELS / 255), r"\(60, 12, 10, 3\) of float64, not a numpy array \(N, height"),
        (broken(images=PIXELS[..., 0]), r"\(60, 12, 10\) of uint8, not"),
        (broken(images=PIXELS[:, :0]), "so no pixels"),
        (broken(images=PIXELS.tolist()), "images are a builtins.list"),
        (broken(images=PIXELS[:50]), "50 images and 60 labels"),
        (broken(images=PIXELS[:0], labels=LABELS[:0]), "0 images and 0 labels"),
        (broken(labels=LABELS.astype(np.int32)), r"labels are an array \(60,\) of int32, not"),
        (broken(labels=np.eye(3, dtype=np.int64)[LABELS]), r"labels are an array \(60, 3\)"),
        (broken(labels=LABELS + 1), "labels range from 1 to 3, not from 0 to num_classes - 1 = 2"),
        (broken(labels=LABELS - 1), "labels range from -1 to 1"),
        (replace(VALID, num_classes="3"), "num_classes is '3'"),
        (replace(VALID, num_classes=2), "labels range from 0 to 2"),
        (broken(images=PIXELS[:, :, :5]), r"train images are \(12, 5, 3\), test images \(12, 10, 3\)"),
        (replace(VALID, test=ImageFiles(np.array(["a.png"], object), LABELS[:1])), "use the same for both"),
        (replace(VALID, test=ImageFiles(["a.png"], LABELS[:1])), "paths are a builtins.list"),
        (replace(VALID, test=ImageFiles(np.array([7], object), LABELS[:1])), "paths hold a builtins.int"),
        (replace(VALID, class_names=("a", "b")), "class_names is a builtins.tuple: let it be a tuple of 3"),
        (replace(VALID, class_names=["a", "b", "c"]), "class_names is a builtins.list"),
    ],
)  # fmt: skip
def test_an_invalid_data_set_is_reported_in_one_line(source, says):
    with pytest.raises(UserError, match=says) as error:
        check_source("my.data:factory", source)
    assert str(error.value).startswith("data.name=my.data:factory")
    assert "\n" not in str(error.value)


def test_a_valid_data_set_is_returned_as_it_is():
    files = ImageFiles(np.array(["a.png", "b.png"], object), np.array([0, 1]))
    for valid in (VALID, Source(files, files, 2), load("digits", "unused")):
        assert check_source("any", valid) is valid
    assert isinstance(load("tests.datasets:stripes", "unused").train, Images)


def test_digits_and_their_split_are_those_of_scikit_learn():
    pixels, labels = load_digits(return_X_y=True)
    images = np.round(pixels * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)
    everything = np.arange(len(labels))
    parts = train_test_split(everything, test_size=0.2, stratify=labels, random_state=0)
    source = load("digits", "unused")
    for split, part in zip((source.train, source.test), parts, strict=True):
        assert (split.images.dtype, split.labels.dtype) == (np.uint8, np.int64)
        np.testing.assert_array_equal(split.images, images[np.sort(part)])
        np.testing.assert_array_equal(split.labels, labels[np.sort(part)])
    assert len(source.train) == TRAINING_IMAGES["digits"]


def test_digits_are_read_without_importing_scikit_learn():
    load_them = "from gengap.data.load import load; load('digits', 'unused')"
    probe = f"import sys; {load_them}; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", probe], check=True)


def test_an_unknown_data_set_is_the_user_s_mistake():
    with pytest.raises(UserError, match="one of digits, mnist"):
        load("svhn", "unused")
    with pytest.raises(UserError, match=r"did you mean data.name=imagenet\?"):
        load("imagenet21k", "unused")


@pytest.mark.parametrize("name", ["tests.datasets:absent", "tests.datasets:FILES", "no.such:factory"])
def test_a_factory_that_can_t_be_imported(name):
    with pytest.raises(UserError, match=f"data.name={name} can't be imported"):
        load(name, "unused")
    with pytest.raises(UserError, match="is not callable but"):
        load("tests.datasets:__doc__", "unused")


def test_a_factory_that_takes_no_folder():
    with pytest.raises(UserError, match=r"can't be called as factory\(folder\): too many positional"):
        load("tests.datasets:without_folder", "unused")


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["data.mean=[0.5]"], "data.mean has 1 value and the images of data.name=tests.datasets:stripes"),
        (["data.std=[1,1]"], "data.std has 2 values"),
        (
            ["model.name=f1", "+model.options.in_features=7"],
            "model.name=f1 can't take the images of data.name=tests.datasets:stripes, 3x12x10 (channels",
        ),
        (["model.name=tests.networks:features_only"], "returns (2, 72) for 2 images of 3x12x10: it must"),
        (["model.name=tests.networks:tuple_output"], "returns tuple for 2 images"),
        (["method.batch_size=1"], "batch norm can't train on a single sample"),
        (["method.ghost_size=1"], "method.batch_size=12 and method.ghost_size=1 on 60 samples"),
        (["protocol=bigbatch", "data.limit=49"], "method.ghost_size=None on 49 samples"),
        (["protocol=bigbatch", "data.limit=58", "method.ghost_size=3"], "method.ghost_size=3 on 58 samples"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_reported_in_one_line(overrides, says, tmp_path, caplog):
    assert says in error_line(own_config(tmp_path, *overrides), caplog)


@pytest.mark.parametrize("overrides", [["data.limit=49"], ["protocol=bigbatch", "data.limit=58"]])
def test_what_fits_trains(overrides, tmp_path):
    assert execute(own_config(tmp_path, *overrides)) == Outcome.FINISHED


def no_network(*arguments, **options):
    raise URLError("no network")


@pytest.fixture
def offline(monkeypatch):
    for module in ("mnist", "cifar"):
        monkeypatch.setattr(f"torchvision.datasets.{module}.download_and_extract_archive", no_network)


@pytest.mark.parametrize("name", FILES)
def test_without_network_it_says_how_to_get_the_data_and_leaves_no_folder(name, offline, tmp_path):
    folder = (tmp_path / "data" / FILES[name][0]).parent
    with pytest.raises(UserError) as error:
        load(name, str(tmp_path / "data"))
    assert f"{name.upper()} is not in {folder} and can't be downloaded (" in str(error.value)
    assert f"from torchvision.datasets import {name.upper()}; {name.upper()}('DIR', download=True)" in str(
        error.value
    )
    assert "\n" not in str(error.value)
    assert "http" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", FILES)
def test_a_certificate_that_is_not_trusted_is_a_line_that_says_what_to_set(name, tmp_path, monkeypatch):
    """MNIST tells of every mirror that it tried, in one RuntimeError; CIFAR raises the URLError itself."""

    def untrusted(*arguments, **options):
        raise URLError(
            SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] unable to get local issuer")
        )

    for module in ("mnist", "cifar"):
        monkeypatch.setattr(f"torchvision.datasets.{module}.download_and_extract_archive", untrusted)
    with pytest.raises(UserError) as error:
        load(name, str(tmp_path / "data"))
    assert "set SSL_CERT_FILE=/path/to/certificates.pem and type the same command again" in str(error.value)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_stays(offline, tmp_path):
    with pytest.raises(UserError):
        load("mnist", str(tmp_path))
    assert tmp_path.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named(name, offline, tmp_path):
    for file in FILES[name]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(b"half a fi")
    with pytest.raises(UserError, match="is damaged .* delete it, and the same command") as error:
        load(name, str(tmp_path))
    assert any(str(tmp_path / file) in str(error.value) for file in FILES[name])


def test_the_environment_names_the_folder_of_all_data_sets(tmp_path, monkeypatch):
    monkeypatch.setenv("GENGAP_DATA", str(tmp_path))
    with pytest.raises(UserError, match=str(tmp_path / "nowhere")):
        load("imagenet", DEFAULT_ROOT, "nowhere")
    with pytest.raises(UserError, match=str(tmp_path / "typed")):
        load("imagenet", str(tmp_path / "typed"))


def test_without_a_home_the_digits_load_and_others_say_what_to_set(monkeypatch):
    monkeypatch.delenv("GENGAP_DATA", raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as without HOME and an entry in passwd
    assert len(load("digits", DEFAULT_ROOT).train) == 1437
    with pytest.raises(UserError, match=r"~/.cache/gengap: this user has no home: set HOME, or type a path"):
        load("mnist", DEFAULT_ROOT)
