"""Milestones after the end of training: told in a line, unless they are those of a shipped recipe."""

import logging

import pytest

from gengap.cli.train import main as train
from gengap.config import conf
from gengap.config.compose import compose_config
from gengap.config.notices import notices, unreached_milestones
from gengap.config.shipped import experiment_config, experiments

LATE = "workload.milestones=[7]: training ends after 4 epochs, so the learning rate 0.005 is never used"


def test_shipped_cells_have_no_notice():
    configs = [experiment_config(name) for name in experiments()]
    assert any(
        m > c.workload.epochs for c in configs for m in c.workload.milestones
    )  # Resnet44's, on purpose
    assert {unreached_milestones(config) for config in configs} == {""}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["workload.epochs=4"], LATE),
        (["workload.milestones=[10]"], LATE.replace("[7]", "[10]").replace("after 4", "after 10")),
        (
            ["workload=cifar10_resnet44", "workload.epochs=90"],
            "workload.milestones=[122,164]: training ends after 90 epochs, "
            "so the learning rates 0.001, 0.0001 are never used",
        ),
        (["workload.epochs=4", "workload.milestones=[3]"], ""),
        (["workload.epochs=7.5"], ""),
        (["workload.name=mine", "method=lb_ra"], ""),
    ],
)
def test_milestones_that_are_not_reached_are_named(words, line):
    assert unreached_milestones(compose_config(["+experiment=digits_lb", *words])) == line


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("+experiment=digits_lb workload.ghost_size=64", "lb"),
        ("+experiment=digits_sb workload.large_batch=64", "sb"),
        ("+experiment=digits_lb method.warmup_epochs=3", "lb"),
        ("+experiment=digits_lb_gbn method.reference_batch=32", "lb_gbn"),
        ("+experiment=digits_lb data.pad_value=3", "lb"),
        ("+experiment=digits_lb_gbn workload.ghost_size=64", ""),
        ("+experiment=digits_lb workload.large_batch=64", ""),
        ("+experiment=digits_lb_lr method.warmup_epochs=3", ""),
        ("+experiment=digits_lb_ra method.reference_batch=32", ""),
        ("+experiment=digits_lb data.pad_value=3 data.crop_padding=2", ""),
        ("+experiment=digits_lb data.pad_value=3 data.shift=0.1", ""),
        ("+experiment=cifar10_lb data.pad_first_channel=true", ""),
        ("+experiment=mnist_lb data.pad_first_channel=true", "lb"),
        ("+experiment=digits_lb workload.momentum=0.8", ""),
    ],
)
def test_a_key_without_effect_is_named(words, told):
    *_, word = words.split()
    line = (
        f"{word} has no effect in method {told} and protocol paper, but makes a run of its own: "
        f"train method {told} without it"
    )
    assert list(notices(words.split(), compose_config(words.split()))) == ([line] if told else [])


def test_each_notice_is_logged_once_for_all_runs(caplog, capsys):
    words = ["+experiment=digits_lb", "-m", "seed=0,1", "workload.epochs=4,20", "--cfg", "job"]
    with caplog.at_level(logging.INFO):
        assert train(words) == 0
    assert [message for message in caplog.messages if "milestones" in message] == [f"gengap: {LATE}"]
    assert "milestones" in capsys.readouterr().out


def test_a_file_of_one_s_own_counts_as_typed(tmp_path, monkeypatch):
    monkeypatch.setattr(conf, "_added", [])
    (tmp_path / "workload").mkdir()
    text = "# @package _global_\ndefaults: [digits_f1, _self_]\nworkload: {name: mine, epochs: 4}\n"
    (tmp_path / "workload" / "mine.yaml").write_text(text)
    conf.add_config_dirs([tmp_path])
    assert unreached_milestones(compose_config(["workload=mine", "method=lb"])) == LATE
    conf.names_in.cache_clear()
