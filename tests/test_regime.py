from fractions import Fraction
from math import ceil, floor, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gengap.config.compose import compose_config
from gengap.config.shipped import experiments
from gengap.learning_rate import scaled_lr
from gengap.regime import build_regime

SIZES = {"mnist": 60_000, "digits": 1437, "cifar10": 50_000, "cifar100": 50_000, "imagenet": 1_281_167}


def regime(experiment: str, *overrides: str, size: int = 60_000):
    return build_regime(compose_config([f"+experiment={experiment}", *overrides]), size)


@pytest.mark.parametrize(
    ("experiment", "updates", "milestones", "factor"),
    [
        # floor(epochs * 60000 / batch) by hand: 50 * 468.75, 50 * 14.6484375
        ("mnist_sb", 23437, (4687, 9375, 14062), 1),
        ("mnist_lb", 732, (146, 292, 439), 1),
        ("mnist_lb_lr", 732, (146, 292, 439), sqrt(32)),
        ("mnist_lb_gbn", 732, (146, 292, 439), sqrt(32)),
        ("mnist_lb_ra", 23437, (4687, 9375, 14062), sqrt(32)),
    ],
)
def test_mnist_cells_have_the_paper_s_updates_milestones_and_rates(experiment, updates, milestones, factor):
    found = regime(experiment)
    assert found.updates == updates
    assert found.milestones == milestones
    assert found.lr == pytest.approx([0.1 * factor, 0.01 * factor, 0.001 * factor, 0.0001 * factor])
    for start, rate in zip((0, *milestones), found.lr, strict=True):
        assert found.lr_at(start) == rate
        if start:
            assert found.lr_at(start - 1) == found.lr[found.lr.index(rate) - 1]
    assert found.lr_at(updates - 1) == found.lr[-1]


@pytest.mark.parametrize("dataset", SIZES)
def test_small_batch_and_regime_adaptation_make_equal_updates(dataset):
    small, adapted = (regime(f"{dataset}_{m}", size=SIZES[dataset]) for m in ("sb", "lb_ra"))
    assert small.updates == adapted.updates
    assert small.milestones == adapted.milestones


@given(
    size=st.integers(1000, 10**6),
    small=st.integers(1, 300),
    times=st.integers(1, 64),
    epochs=st.fractions(Fraction(1, 10), 300, max_denominator=1000),
)
def test_regime_adaptation_keeps_the_updates_for_any_sizes(size, small, times, epochs):
    common = [
        f"workload.small_batch={small}",
        f"workload.epochs={float(epochs)}",
        f"workload.ghost_size={small}",
    ]
    common += ["workload.milestones=[]", "workload.lr=[0.1]", f"workload.large_batch={small * times}"]
    base = compose_for(*common, "method=sb")
    adapted = compose_for(*common, "method=lb_ra")
    assert build_regime(base, size).updates == build_regime(adapted, size).updates
    assert build_regime(base, size).updates == floor(epochs * size / small)


_CACHE: dict[str, object] = {}


def compose_for(*overrides: str):
    """Compose once per method, then set the few values by hand: composing takes longer than the test."""
    method = overrides[-1]
    if method not in _CACHE:
        _CACHE[method] = compose_config(["workload=mnist_f1", method])
    config = _CACHE[method]
    values = dict(o.split("=") for o in overrides[:-1])
    workload = config.workload
    workload.small_batch, workload.large_batch = (
        int(values["workload.small_batch"]),
        int(values["workload.large_batch"]),
    )
    workload.epochs, workload.milestones, workload.lr = float(values["workload.epochs"]), [], [0.1]
    config.method.batch_size = workload.small_batch if method == "method=sb" else workload.large_batch
    config.method.lr_base_batch = config.method.reference_batch = workload.small_batch
    if method == "method=lb_ra":
        config.method.regime_factor = workload.large_batch / workload.small_batch
    return config


def test_learning_rate_rules():
    assert scaled_lr(0.1, 4096, 128, "none") == 0.1
    assert scaled_lr(0.1, 4096, 128, "sqrt") == pytest.approx(0.1 * sqrt(32))
    assert scaled_lr(0.1, 4096, 128, "linear") == pytest.approx(3.2)
    with pytest.raises(KeyError):
        scaled_lr(0.1, 4096, 128, "cubic")


def test_learning_rate_base_and_regime_factor_are_separate_from_the_ghost_size():
    found = regime(
        "mnist_lb_gbn", "method.lr_base_batch=256", "method.ghost_size=64", "method.regime_factor=2"
    )
    assert found.lr[0] == pytest.approx(0.1 * sqrt(16))
    assert found.updates == floor(100 * Fraction(60000, 4096))


def test_warm_up_climbs_linearly_from_the_recipe_s_rate():
    found = regime("mnist_lb", "method.lr_rule=linear", "method.warmup_epochs=5")
    assert found.warmup == floor(5 * Fraction(60000, 4096)) == 73
    assert found.lr_at(0) == pytest.approx(0.1)
    assert found.lr_at(73) == pytest.approx(3.2)
    steps = [found.lr_at(u + 1) - found.lr_at(u) for u in range(73)]
    assert steps == pytest.approx([3.1 / 73] * 73)


def test_the_partial_batch_makes_an_update_of_its_own():
    found = regime("mnist_lb", "protocol=bigbatch")
    assert found.updates == 50 * ceil(60000 / 4096) == 750
    assert found.milestones == (150, 300, 450)
    assert [u for u in range(40) if found.starts_epoch(u)] == [0, 15, 30]


def test_every_epoch_has_a_first_update_where_batches_span_epochs():
    found = regime("mnist_lb")
    starts = [u for u in range(found.updates) if found.starts_epoch(u)]
    assert len(starts) == 50
    assert starts == [ceil(e * Fraction(60000, 4096)) for e in range(50)]


def test_weight_decay_follows_the_phases():
    found = regime("mnist_lb", "workload.weight_decay=[1,2,3,4]")
    assert [found.weight_decay_at(u) for u in (0, 145, 146, 292, 731)] == [1, 1, 2, 3, 4]


@pytest.mark.parametrize("experiment", experiments())
def test_every_run_is_evaluated_once_per_epoch_of_the_recipe_and_at_its_end(experiment):
    config = compose_config([f"+experiment={experiment}"])
    found = build_regime(config, SIZES[config.data.name])
    assert len(found.evaluations) == config.workload.epochs
    assert found.evaluations[-1] == found.updates


@given(st.integers(1, 10**6), st.integers(1, 400))
def test_evaluations_are_even_different_and_end_at_the_end(updates, count):
    config = compose_for(
        "workload.small_batch=1", "workload.large_batch=1", f"workload.epochs={updates}", "method=sb"
    )
    config.evaluations = count
    found = build_regime(config, 1).evaluations
    assert found[-1] == updates
    assert len(found) == min(count, updates)
    gaps = [b - a for a, b in zip((0, *found), found, strict=False)]
    assert max(gaps) - min(gaps) <= 1


def test_a_warm_start_makes_the_updates_of_both_batch_sizes():
    """Of 60000 images: 5 epochs at 256, and to the end of epoch 20 at 6000, counted by hand."""
    words = ["method.earlier_batches=[256]", "method.batch_milestones=[5]"]
    found = regime("keskar_f1_lb", *words)
    small = 5 * 60_000 // 256
    assert small == 1171
    large = (20 * 60_000 - small * 256) // 6000
    assert large == 150
    assert found.updates == small + large
    assert found.batches.sizes == (256, 6000)
    assert found.batches.starts == (0, small)
    assert found.batches.samples(found.updates) == small * 256 + large * 6000
    assert set(found.lr) == {found.lr_at(0)} == {0.001}
    assert len(found.evaluations) == 20
    seen = [float(found.batches.epochs(u)) for u in found.evaluations]
    assert all(k + 1 - 6000 / 60_000 < epoch <= k + 1 for k, epoch in enumerate(seen))
    starts = [u for u in range(found.updates) if found.starts_epoch(u)]
    assert starts[:6] == [0, 235, 469, 704, 938, 1172]
    assert len(starts) == 20


def test_the_rate_follows_the_batch_and_regime_adaptation_stretches_a_growing_one():
    words = ["method.earlier_batches=[128,512]", "method.batch_milestones=[1,2]"]
    found = regime("mnist_lb_gbn", *words, "method.regime_factor=2")
    first, second = 2 * 60_000 // 128, (4 * 60_000 - 2 * 60_000 // 128 * 128) // 512
    assert found.batches.starts == (0, first, first + second)
    rates = [found.lr_at(u) for u in (0, first - 1, first, first + second)]
    assert rates == pytest.approx([0.1, 0.1, 0.1 * sqrt(4), 0.1 * sqrt(32)])
    last = (20 * 60_000 - found.batches.samples(first + second)) // 4096
    assert found.milestones[0] == first + second + last
