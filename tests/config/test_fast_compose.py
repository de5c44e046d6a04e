"""The quick composition against Hydra's own."""

import pytest

from gengap.config import fast_compose as compose
from gengap.config.compose import experiments, to_config
from gengap.config.fast_compose import by_hydra, compose_overrides
from gengap.config.overrides import parse
from gengap.config.sweep import expand, sweeps

TYPED = [
    [],
    ["seed=3", "precision=bf16", "results_dir=there", "data.root=/elsewhere"],
    ["protocol=bigbatch"],
    ["protocol=bigbatch", "method.ghost_size=64", "workload.released_momentum=0"],
    ["method=lb_ra", "workload.large_batch=${workload.small_batch}"],
    ["workload.lr=[0.2,2e-2]", "workload.milestones=[1]", "workload.weight_decay=[1e-3]"],
    ["workload=cifar10_c1", "method=sb", "data=digits", "data.mean=[0]"],
    ["model.options.depth=3", "model.options={width: 7}", "model.name=a.b:c", "++method.clip_norm=null"],
]  # fmt: skip


def assert_same(words: list[str]) -> None:
    overrides = [parse(w) for w in words]
    assert to_config(compose_overrides(overrides)) == to_config(by_hydra(overrides))


@pytest.fixture
def no_hydra(monkeypatch):
    """Lets the quick composition fail where it would ask Hydra."""
    monkeypatch.setattr(compose, "by_hydra", lambda _: pytest.fail("Hydra was asked"))


@pytest.mark.usefixtures("no_hydra")
@pytest.mark.parametrize("experiment", experiments())
def test_every_experiment_composes_as_hydra_does(experiment):
    assert_same([f"+experiment={experiment}"])


@pytest.mark.usefixtures("no_hydra")
@pytest.mark.parametrize("words", TYPED)
@pytest.mark.parametrize("cell", [["+experiment=mnist_lb_gbn"], ["workload=digits_f1", "method=lb_gbn"]])
def test_what_is_typed_composes_as_hydra_does(cell, words):
    assert_same([*cell, *words])


@pytest.mark.usefixtures("no_hydra")
@pytest.mark.parametrize("name", sweeps())
def test_no_sweep_needs_hydra(name):
    for job in expand([f"+sweep={name}", "seed=0"]):
        compose_overrides([parse(o) for o in job])


def test_the_rest_is_left_to_hydra(monkeypatch):
    asked = []
    monkeypatch.setattr(compose, "by_hydra", lambda o: asked.append(o) or by_hydra(o))
    words = ["+experiment=digits_lb", "~model.options.width"]
    assert to_config(compose_overrides([parse(w) for w in words])).model.options == {"in_features": 64}
    assert len(asked) == 1
