"""The quick composition of the shipped experiments against Hydra's own."""

import pytest

from gengap.config import conf, shipped
from gengap.config.compose import compose_config, to_config
from gengap.config.shipped import choices, compose_run, experiment_config, experiments
from gengap.errors import UserError


@pytest.mark.parametrize("experiment", experiments())
def test_every_experiment_composes_as_hydra_does(experiment):
    for protocol in conf.names_in("protocol"):
        composed = conf.compose([f"+experiment={experiment}", f"protocol={protocol}"])
        assert experiment_config(experiment, protocol) == to_config(composed)


def test_choices_are_what_is_composed():
    for experiment in experiments():
        config = experiment_config(experiment)
        assert choices(experiment) in ((config.workload.name, config.method.name), ("", ""))


PLAIN = [
    [],
    ["seed=3", "precision=bf16", "results_dir=there/x-1"],
    ["protocol=bigbatch", "seed=1"],
]  # fmt: skip


@pytest.mark.parametrize("words", PLAIN)
def test_a_cell_is_found_without_hydra_as_with_it(words, monkeypatch):
    words = ["+experiment=mnist_lb_gbn", *words]
    expected = compose_config(words)
    monkeypatch.setattr(shipped, "compose_config", lambda _: pytest.fail("Hydra was asked"))
    assert compose_run(words) == expected
    assert compose_run([*words, "data.root=/elsewhere", "runtime.threads=1"]) == expected


@pytest.mark.parametrize(
    "words",
    [
        ["+experiment=digits_lb", "method.batch_size=256"],
        ["+experiment=digits_lb", "workload=mnist_f1"],
        ["workload=digits_f1", "method=sb"],
        ["+experiment=digits_lb", "results_dir=${workload.name}"],
        ["+experiment=digits_lb", "~model.options.width"],
    ],
)
def test_everything_else_is_left_to_hydra(words):
    assert compose_run(words) == compose_config(words)


def test_a_wrong_precision_is_refused_without_hydra_too():
    with pytest.raises(UserError, match="one of fp32, bf16"):
        compose_run(["+experiment=digits_lb", "precision=fp8"])
