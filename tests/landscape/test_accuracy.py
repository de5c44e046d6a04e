"""The kind `accuracy`: the run's own evaluation, and the same with exact statistics of batch norm."""

import copy
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from gengap.config.identity import run_directory
from gengap.errors import UserError
from gengap.landscape import batch_norm
from gengap.landscape.accuracy import _augmented, accuracy
from gengap.landscape.recomputed import running_order, set_exact_statistics
from gengap.landscape.settings import Accuracy
from gengap.landscape.subject import Subject
from gengap.landscape.surface import nothing
from gengap.launch.execute import execute
from gengap.regime import build_regime
from gengap.runs.bits import unpack
from gengap.runs.record import metric_rows, read_record
from gengap.training.build import build_trainer
from gengap.training.ranks import Ranks
from tests.conftest import composed
from tests.landscape.commands import RUN, records
from tests.landscape.conftest import SHORT
from tests.landscape.surfaces import CHANNELS, COUNT, NETWORKS, network, random_images

CPU = torch.device("cpu")


def subject(config, mode="trained", between=nothing):
    return Subject(config, Accuracy(batch_norm=mode), CPU, between)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("method", ["lb", "lb_gbn"])
def test_trained_is_what_the_run_recorded(method, precision, tmp_path):
    words = [f"+experiment=digits_{method}", *SHORT, f"precision={precision}", "runtime.keep_weights=true"]
    config = composed(words, tmp_path)
    execute(config)
    found, record = accuracy(subject(config)), read_record(run_directory(config))
    wrong = unpack(record["misclassified"], 360)
    assert found["val_error"] == 100 * wrong.sum() / 360
    assert (
        round(100 - found["val_error"], 4)
        == found["run_val_accuracy"]
        == record["summary"]["last_val_accuracy"]
    )
    assert round(100 - found["train_error"], 4) == record["summary"]["train_accuracy"]
    assert found["val_loss"] == pytest.approx(metric_rows(run_directory(config))[-1]["val_loss"], rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["augmented", "recomputed"])
def test_exact_statistics_by_torch_itself(mode, short_runs):
    """The digits are not augmented, so that both modes are the same."""
    config = composed(["+experiment=digits_lb", *SHORT], short_runs)
    images = []
    measured = subject(config, mode, images.append)
    plain = measured.trained().double()
    for layer in batch_norm.layers(plain):
        layer.momentum = 1.0
    (train,), (validation,) = (
        tuple(s.evaluation_batches(2000)) for s in (measured.train, measured.validation)
    )
    plain.train()(train[0].double())  # its running statistics are now the whole set's, by torch itself
    samples = len(measured.train)
    for layer in batch_norm.layers(plain):
        layer.running_var.mul_((samples - 1) / samples)  # which divides by samples - 1
    found = accuracy(measured)
    for split, (pixels, labels) in (("train", train), ("val", validation)):
        logits = plain.eval()(pixels.double())
        assert found[f"{split}_loss"] == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-4)
        expected = 100 * float((logits.argmax(1) != labels).double().mean())
        assert found[f"{split}_error"] == pytest.approx(expected, abs=1e-6)
    assert found["val_loss"] != accuracy(subject(config))["val_loss"]
    layers = len(batch_norm.layers(plain))
    assert sum(images) == (layers + 1) * len(measured.train) + len(measured.validation)


@pytest.mark.parametrize("name", NETWORKS)
def test_exact_statistics_take_the_place_of_the_running_ones(name):
    (whole,) = random_images(CHANNELS[name]).evaluation_batches(COUNT)
    expected, made = network(name), network(name).eval()
    for layer in batch_norm.layers(expected):
        layer.momentum = 1.0
    expected.train()(whole[0].double())
    images = random_images(CHANNELS[name])
    pieces = lambda: ((x.double(), y) for x, y in images.evaluation_batches(7))  # noqa: E731
    set_exact_statistics(made, running_order(made, whole[0].double()), pieces)
    at_once = copy.deepcopy(made).train()(whole[0].double())
    torch.testing.assert_close(made(whole[0].double()), at_once, rtol=1e-9, atol=1e-10)
    for layer, other in zip(batch_norm.layers(expected), batch_norm.layers(made), strict=True):
        torch.testing.assert_close(other.running_mean, layer.running_mean, rtol=1e-10, atol=1e-12)


def test_augmented_images_are_those_of_the_first_epoch(short_runs):
    words = ["+experiment=digits_lb", *SHORT, "data.crop_padding=2", "data.flip=true", "data.rotation=10"]
    config = composed([*words, "data.limit=1100", "method.batch_size=1100"], short_runs)
    measured = subject(config, "augmented")
    trainer = build_trainer(
        config, measured.source, measured.splits, build_regime(config, 1100), CPU, Ranks()
    )
    (batch,) = islice(trainer.train.batches(trainer.stream, 0), 1)
    expected, expected_labels = trainer.train.preprocess(batch)
    drawn = list(_augmented(measured))
    assert [len(labels) for _, labels in drawn] == [1000, 100]
    assert torch.equal(torch.cat([images for images, _ in drawn]), expected)
    assert torch.equal(torch.cat([labels for _, labels in drawn]), expected_labels)


@pytest.mark.slow
def test_without_running_statistics_there_is_nothing_to_replace(short_runs, monkeypatch):
    measured = subject(composed(["+experiment=digits_lb", *SHORT], short_runs), "recomputed")
    without = measured.trained()
    for layer in batch_norm.layers(without):
        layer.running_mean = layer.running_var = None
    monkeypatch.setattr(Subject, "trained", lambda _: without)
    with pytest.raises(UserError, match="keeps no running statistics"):
        accuracy(measured)


@pytest.mark.slow
def test_the_command_makes_a_record_of_each(gengap, trained):
    assert gengap(f"accuracy {RUN} batch_norm=trained,recomputed")[0] == 0
    found = records()
    assert all(name.split("/")[1].startswith("accuracy-") for name in found)
    assert {r["config"]["accuracy"]["batch_norm"] for r in found.values()} == {"trained", "recomputed"}
    assert all(r["config"]["accuracy"].keys() == {"batch_norm"} for r in found.values())
    before = {file: file.read_bytes() for file in Path("trained/landscape").rglob("*.json")}
    code, lines = gengap(f"accuracy {RUN} batch_norm=trained,recomputed")
    assert (code, lines[-1]) == (0, "gengap: 2 records of 1 run: 2 already measured")
    assert {file: file.read_bytes() for file in before} == before
    code, (line,) = gengap(f"accuracy {RUN} batch_norm=batch")
    assert (code, line) == (
        2,
        "gengap: batch_norm=batch is unknown: type batch_norm=trained, batch_norm=augmented or "
        "batch_norm=recomputed",
    )
