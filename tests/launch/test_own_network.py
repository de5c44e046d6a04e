"""Networks that are not gengap's, trained by package.module:factory."""

import json
import sys
from importlib import invalidate_caches

import pytest

from gengap.config.compose import compose_config
from gengap.config.identity import run_directory
from gengap.config.sweep import Job
from gengap.launch.execute import execute
from gengap.launch.jobs import train_all
from gengap.launch.outcome import Outcome

SOURCE = """\
from torch import nn

def network(num_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(360, 8), nn.{}(), nn.Linear(8, num_classes))
"""


@pytest.fixture
def stripes(tmp_path):
    """Configurations that train on the test's own images, 12x10x3 in 3 classes."""

    def make(network, method, *words):
        return compose_config(
            [
                "workload=digits_f1",  # whose options for its own network no other one knows
                f"method={method}",
                "workload.name=stripes",
                "data.name=tests.datasets:stripes",
                "data.mean=[0.5,0.5,0.5]",
                "data.std=[0.5,0.5,0.5]",
                f"model.name={network}",
                "method.batch_size=32",
                "workload.epochs=1.1",
                "workload.milestones=[1]",
                "runtime.threads=1",
                f"results_dir={tmp_path}",
                *words,
            ]
        )

    return make


def test_torchvision_network_trains_as_it_is(stripes, monkeypatch, caplog):
    monkeypatch.setattr(
        "torchvision.models._api.load_state_dict_from_url", lambda *_, **__: pytest.fail("download")
    )
    config = stripes("torchvision.models:resnet18", "lb_gbn")
    with caplog.at_level("INFO"):
        assert execute(config) == Outcome.FINISHED
    record = json.loads((run_directory(config) / "run.json").read_text())
    assert record["summary"]["updates"] == 2
    assert record["parameters"] == 11_689_512 - 1000 * 513 + 3 * 513  # torchvision's count, with 3 classes
    assert "options of the workload, so they are not set: in_features, width" in caplog.text
    assert "changes nothing" not in caplog.text


def test_options_that_the_workload_sets_for_its_network_are_told(stripes, caplog):
    network, typed = "tests.networks:other_name", "model.options.width=VALUE"
    with caplog.at_level("INFO"):
        assert execute(stripes(network, "lb")) == Outcome.FINISHED
    assert [m for m in caplog.messages if "the workload" in m] == [
        f"model.name={network} has no arguments for these options of the workload, so they are not set: "
        "in_features",
        f"model.name={network} takes width=128 from the workload: type {typed} to change that",
    ]
    caplog.clear()
    with caplog.at_level("INFO"):
        assert execute(stripes(network, "lb", "model.options.width=8")) == Outcome.FINISHED
    assert "from the workload" not in caplog.text


def test_network_without_batch_norm_is_told_that_it_has_no_ghosts(stripes, caplog):
    config = stripes("tests.networks:without_batch_norm", "lb_gbn")
    with caplog.at_level("INFO"):
        assert execute(config) == Outcome.FINISHED
    (line,) = [m for m in caplog.messages if "BatchNorm" in m]
    assert line == (
        "model.name=tests.networks:without_batch_norm has no BatchNorm1d, 2d or 3d: "
        "method.ghost_size=16 changes nothing in it, the method's other settings apply"
    )


def test_network_without_batch_norm_is_not_warned_of_ghosts_it_was_not_asked_for(stripes, caplog):
    with caplog.at_level("INFO"):
        assert execute(stripes("tests.networks:without_batch_norm", "lb_lr")) == Outcome.FINISHED
    assert "BatchNorm" not in caplog.text


@pytest.mark.parametrize("option", ["num_classes", "widht"])
def test_option_that_the_network_does_not_take_is_named(option, stripes, caplog):
    config = stripes("tests.networks:small_alexnet", "lb", f"model.options.{option}=3")
    assert execute(config) == Outcome.REFUSED
    assert f"has no option {option}: it takes none" in caplog.text


def test_number_of_classes_is_the_data_set_s_even_where_any_option_is_taken(stripes, caplog):
    config = stripes("torchvision.models:resnet18", "lb", "model.options.num_classes=3")
    assert execute(config) == Outcome.REFUSED
    assert "has no option num_classes" in caplog.text


def test_a_network_whose_source_changed_is_refused_until_it_is_back(stripes, tmp_path, monkeypatch, caplog):
    monkeypatch.syspath_prepend(tmp_path)
    config = stripes("edited:network", "lb", "runtime.time_budget=1e-9")
    record = run_directory(config) / "run.json"

    def train(activation):
        (tmp_path / "edited.py").write_text(SOURCE.format(activation))
        sys.modules.pop("edited", None)
        invalidate_caches()
        return execute(config)

    assert train("ReLU") == Outcome.STOPPED
    before = json.loads(record.read_text())["network"]
    whole = record.read_bytes()
    for content in (whole, None):  # the checkpoint says it, too
        record.unlink() if content is None else record.write_bytes(content)
        caplog.clear()
        assert train("Softplus") == Outcome.REFUSED
        assert "was trained with another source of model.name=edited:network so far" in caplog.text
    record.write_bytes(whole)
    config.runtime.time_budget = None
    assert train("ReLU") == Outcome.FINISHED
    assert json.loads(record.read_text())["network"] == before


def test_a_finished_run_on_data_of_another_source_is_skipped_with_a_word(
    stripes, tmp_path, monkeypatch, caplog
):
    monkeypatch.syspath_prepend(tmp_path)
    job = Job((), stripes("f1", "lb", "model.options={in_features: 360}", "data.name=edited_data:own"))
    caplog.set_level("INFO")

    def train(classes):
        code = (
            f"from tests.datasets import stripes\n\ndef own(root):\n    return stripes(root)  # {classes}\n"
        )
        (tmp_path / "edited_data.py").write_text(code)
        sys.modules.pop("edited_data", None)
        invalidate_caches()
        caplog.clear()
        assert train_all([job], (), 0.0) == 0
        return "the source of data.name=edited_data:own has changed since" in caplog.text

    assert [train(3), train(3), train(4)] == [False, False, True]
    record = json.loads((job.directory / "run.json").read_text())
    assert record["data"].keys() >= {"fingerprint", "source"}


def test_a_finished_run_of_another_source_is_skipped_with_a_word(stripes, tmp_path, monkeypatch, caplog):
    monkeypatch.syspath_prepend(tmp_path)
    job = Job((), stripes("edited_later:network", "lb"))
    caplog.set_level("INFO")

    def train(activation, jobs=(job,)):
        (tmp_path / "edited_later.py").write_text(SOURCE.format(activation))
        sys.modules.pop("edited_later", None)
        invalidate_caches()
        caplog.clear()
        assert train_all([*jobs], (), 0.0) == 0
        return "the source of model.name=edited_later:network has changed since" in caplog.text

    assert [train("ReLU"), train("ReLU"), train("Softplus"), train("ReLU")] == [False, False, True, False]
    other = Job((), stripes("edited_later:network", "lb_gbn"))
    assert not train("ReLU", (job, other))
    assert train("Softplus", (job, other))
    assert "  of 2 skipped runs, the source of " in caplog.text
    (tmp_path / "edited_later.py").unlink()
    sys.modules.pop("edited_later")
    caplog.clear()
    assert train_all([job], (), 0.0) == 0  # nothing is to be trained, so the network need not be there
    assert "skipped" in caplog.text
