"""The runs of the figures, all Resnet44 on CIFAR-10: batch, schedule, learning rate, ghosts and noise."""

from math import sqrt

import pytest

from gengap.config.compose import compose_config
from gengap.config.identity import run_name
from gengap.config.plain import compose_run
from gengap.config.sweep import expand
from gengap.regime import build_regime

N = 50_000
EPOCHS, DROP = 100, 81  # of the recipe; DROP is its first milestone

FIXED = {"cifar10_b64_sb": 64, "cifar10_sb": 128} | {f"cifar10_b{b}_lb": b for b in (256, 512, 1024, 2048)}
SCALED = {f"cifar10_b{b}_lb_gbn": b for b in (64, 256, 512, 1024, 2048)}
ADAPTED = {"cifar10_b2048_lb_ra": (2048, 128), "cifar10_lb_ra": (4096, 128)} | {
    f"cifar10_ref256_b{b}_lb_ra": (b, 256) for b in (512, 1024, 2048)
}
SWEEPS = {
    "figure1": {*FIXED},
    "figure2": {*FIXED, *SCALED},
    "figure3": {"cifar10_sb", "cifar10_b2048_lb_ra", "cifar10_lb_ra"},
    "figure5": {"cifar10_b256_lb", "cifar10_b2048_lb", *(e for e in ADAPTED if "ref256" in e)},
    "figure6": {"cifar10_b2048_lb", "cifar10_b2048_lb_lr", "cifar10_b2048_lb_noise"},
}


def composed(experiment):
    config = compose_config([f"+experiment={experiment}"])
    assert config.workload.name == "cifar10_resnet44"
    return config.method, build_regime(config, N)


@pytest.mark.parametrize(("experiment", "batch"), FIXED.items())
def test_fixed_rate_changes_only_the_batch_size(experiment, batch):
    method, regime = composed(experiment)
    assert (method.batch_size, method.ghost_size, method.gradient_noise) == (batch, None, 0)
    assert regime.lr[:2] == (0.1, 0.01)
    assert (regime.updates, regime.milestones[0]) == (EPOCHS * N // batch, DROP * N // batch)


@pytest.mark.parametrize(("experiment", "batch"), SCALED.items())
def test_scaled_rate_and_ghosts_keep_the_number_of_epochs(experiment, batch):
    method, regime = composed(experiment)
    assert (method.batch_size, method.ghost_size, method.gradient_noise) == (batch, 128, 0)
    assert regime.lr[0] == pytest.approx(0.1 * sqrt(batch / 128))
    assert (regime.updates, regime.milestones[0]) == (EPOCHS * N // batch, DROP * N // batch)


@pytest.mark.parametrize(("experiment", "sizes"), ADAPTED.items())
def test_regime_adaptation_makes_the_updates_of_the_reference_batch(experiment, sizes):
    batch, reference = sizes
    method, regime = composed(experiment)
    assert (method.batch_size, method.ghost_size) == (batch, 128)
    assert regime.lr[0] == pytest.approx(0.1 * sqrt(batch / reference))
    assert (regime.updates, regime.milestones[0]) == (EPOCHS * N // reference, DROP * N // reference)
    # The update at which the published curves drop
    assert regime.milestones[0] == pytest.approx({128: 31_600, 256: 15_800}[reference], abs=50)


def test_noise_matches_the_small_batch_and_changes_nothing_else():
    noisy, regime = composed("cifar10_b2048_lb_noise")
    assert noisy.gradient_noise == 2048 / 128 - 1 == 15
    assert (noisy.batch_size, noisy.ghost_size, noisy.lr_rule, regime.lr[0]) == (2048, None, "none", 0.1)
    scaled, regime = composed("cifar10_b2048_lb_lr")
    assert (scaled.batch_size, scaled.ghost_size, scaled.gradient_noise) == (2048, None, 0)
    assert regime.lr[0] == pytest.approx(0.4)


@pytest.mark.parametrize(("sweep", "experiments"), SWEEPS.items())
def test_figure_sweeps_are_their_cells_with_three_seeds(sweep, experiments):
    found = [(run_name(c), c.seed) for c in map(compose_run, expand([f"+sweep={sweep}"]))]
    names = {run_name(compose_config([f"+experiment={e}"])) for e in experiments}
    assert sorted(found) == sorted((name, seed) for name in names for seed in range(3))


def test_batch_size_override_gives_the_run_of_the_figure():
    typed = compose_config(["+experiment=cifar10_lb", "method.batch_size=512"])
    assert run_name(typed) == run_name(compose_config(["+experiment=cifar10_b512_lb"]))
