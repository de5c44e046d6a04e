"""Composition of the shipped experiments without Hydra, against Hydra's."""

import pytest

from gengap.config import conf, plain
from gengap.config.compose import compose_config, to_config
from gengap.config.plain import compose_run
from gengap.config.shipped import choices, experiment_config, experiments
from gengap.errors import UserError


@pytest.mark.parametrize("experiment", experiments())
def test_every_experiment_composes_as_with_hydra(experiment):
    for protocol in conf.names_in("protocol"):
        composed = conf.compose_with_hydra([f"+experiment={experiment}", f"protocol={protocol}"])
        composed = conf.without_hydra(composed)
        assert answer(experiment_config, experiment, protocol) == answer(to_config, composed)


def answer(compose, *arguments):
    """The configuration, or the message where the protocol does not fit the experiment."""
    try:
        return compose(*arguments)
    except UserError as error:
        return str(error)


def test_choices_match_the_composed_configuration():
    for experiment in experiments():
        config = experiment_config(experiment)
        assert choices(experiment) in ((config.workload.name, config.method.name), ("", ""))


PLAIN = [
    [],
    ["seed=3", "precision=bf16", "results_dir=there/x-1"],
    ["protocol=bigbatch", "seed=1"],
    ["data.root=/elsewhere/x", "runtime.threads=1", "runtime.device=cpu", "runtime.compile=true"],
]  # fmt: skip


@pytest.mark.parametrize("words", PLAIN)
def test_plain_overrides_compose_without_hydra(words, monkeypatch):
    words = ["+experiment=mnist_lb_gbn", *words]
    expected = compose_config(words)
    monkeypatch.setattr(plain, "compose_config", lambda _: pytest.fail("composed by Hydra"))
    assert compose_run(words) == expected


@pytest.mark.parametrize(
    "words",
    [
        ["+experiment=digits_lb", "method.batch_size=256"],
        ["+experiment=digits_lb", "workload=mnist_f1"],
        ["workload=digits_f1", "method=sb"],
        ["+experiment=digits_lb", "evaluations=${method.batch_size}"],
        ["+experiment=digits_lb", "~model.options.width"],
    ],
)
def test_other_overrides_are_composed_by_hydra(words):
    assert compose_run(words) == compose_config(words)


@pytest.mark.parametrize(
    ("word", "named"), [("runtime.thread=1", "thread"), ("runtime.threads=x", "threads")]
)
def test_a_mistyped_runtime_key_or_value_is_named(word, named):
    with pytest.raises(UserError, match=named):
        compose_run(["+experiment=digits_lb", word])


def test_values_are_checked_without_hydra():
    with pytest.raises(UserError, match="one of fp32, bf16"):
        compose_run(["+experiment=digits_lb", "precision=fp8"])
