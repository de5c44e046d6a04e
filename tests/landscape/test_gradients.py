"""Gradients of independent batches: against closed forms and torch, and without influence on training."""

import copy
from contextlib import closing

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gengap.batches import Batches
from gengap.data.load import load
from gengap.data.splits import split
from gengap.ghost import convert
from gengap.landscape.gradient_noise import gradient_noise
from gengap.landscape.gradients import BATCH, TRAINED, IndependentBatches, batch_gradients
from gengap.regime import build_regime
from gengap.training.build import build_trainer
from gengap.training.trainer import Trainer

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
SAMPLES = 100
LINEAR = ("model.name=tests.networks:linear", f"data.limit={SAMPLES}", "method.batch_size=20")


def ignored(_: int) -> None:
    pass


def trainer(config) -> Trainer:
    source = load(config.data.name, config.data.root)
    splits = split(source, config.data, config.seed)
    return build_trainer(config, source, splits, build_regime(config, len(splits.train)), CPU)


def measured(made: Trainer, mode: str, size: int, ghost: int, draws: int):
    return batch_gradients(made, mode, size, ghost, draws, 7, ignored)


def drawn(made: Trainer, size: int, draws: int) -> list[np.ndarray]:
    """Indices of the samples of each batch."""
    stream = IndependentBatches(7, Batches(len(made.train), (size,)), made.train.crop_positions)
    return [stream.batch(k).indices for k in range(draws)]


def linear_gradients(made: Trainer) -> np.ndarray:
    """The gradient of each sample's loss (N, P) in closed form, (p - y) times the image and 1."""
    ((images, labels),) = made.train.evaluation_batches(len(made.train))
    with torch.no_grad():
        wrong = F.softmax(made.model(images).double(), 1) - F.one_hot(labels, 10)
    pixels = images.flatten(1).double()
    return torch.cat([(wrong[:, :, None] * pixels[:, None]).flatten(1), wrong], 1).numpy()


@pytest.mark.parametrize("mode", ["ghost", BATCH, TRAINED])
def test_a_linear_network_s_gradients_are_those_of_the_closed_form(digits, mode):
    made = trainer(digits("lb", *LINEAR))
    exact = linear_gradients(made)
    batches = np.array([exact[rows].mean(axis=0) for rows in drawn(made, 20, 6)])
    found = measured(made, mode, 20, 5, 6)
    weights = exact.shape[1] - 10
    of_weights, of_bias = batches[:, :weights], batches[:, weights:]
    expected = [of_weights @ of_weights.T, of_bias @ of_bias.T]
    np.testing.assert_allclose(found.products, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.norms, np.linalg.norm(batches, axis=1), rtol=1e-5)
    if mode == BATCH:
        assert found.per_sample is None
        return
    ghosts = np.array([exact[rows].reshape(4, 5, -1).mean(axis=1) for rows in drawn(made, 20, 6)])
    np.testing.assert_allclose(found.per_sample, 5 * ghosts.var(axis=1, ddof=1).sum(axis=1), rtol=1e-4)


def test_estimates_are_the_mean_covariance_and_noise_scale_of_the_training_set(digits):
    made = trainer(digits("lb", *LINEAR))
    exact = linear_gradients(made)
    mean, trace = exact.mean(axis=0), exact.var(axis=0, ddof=1).sum()
    gradients = measured(made, "ghost", 20, 5, 300)
    found = gradient_noise(gradients.products.sum(axis=0), gradients.per_sample)
    expected = {
        "squared_mean": mean @ mean,
        "covariance": trace * (1 / 20 - 1 / SAMPLES),  # without replacement
        "noise_scale": trace / (mean @ mean),
    }
    for name, value in expected.items():
        estimate = getattr(found, name)
        assert abs(estimate.value - value) < 4 * estimate.error < 0.4 * value


def test_ghosts_give_the_gradient_of_ghost_batch_norm(digits):
    made = trainer(digits("lb"))
    (rows,) = drawn(made, 64, 1)
    ghosted = convert(copy.deepcopy(made.model), 16).train()
    ((images, labels),) = made.train.evaluation_batches(len(made.train))
    F.cross_entropy(ghosted(images[rows]), labels[rows]).backward()
    expected = [float(p.grad.double().square().sum()) for p in ghosted.parameters()]
    found = measured(made, "ghost", 64, 16, 1).products[:, 0, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-9)


def test_trained_statistics_give_the_gradient_of_evaluation_mode(digits):
    made = trainer(digits("lb"))
    for update in range(3):
        made.train_step(update)
    (rows,) = drawn(made, 64, 1)
    network = copy.deepcopy(made.model).eval()
    ((images, labels),) = made.train.evaluation_batches(len(made.train))
    F.cross_entropy(network(images[rows]), labels[rows]).backward()
    expected = [float(p.grad.double().square().sum()) for p in network.parameters()]
    np.testing.assert_allclose(
        measured(made, TRAINED, 64, 16, 1).products[:, 0, 0], expected, rtol=1e-3, atol=1e-9
    )


def test_one_ghost_is_the_whole_batch(digits):
    made = trainer(digits("lb_gbn"))
    ghost, batch = (measured(made, mode, 16, 16, 3) for mode in ("ghost", BATCH))
    np.testing.assert_array_equal(ghost.products, batch.products)
    assert ghost.per_sample is None


def test_batches_are_permutations_of_their_own():
    stream = IndependentBatches(0, Batches(50, (30,)), 5)
    batches = [stream.batch(k) for k in range(40)]
    assert all(len(set(b.indices)) == 30 for b in batches)
    assert len({tuple(b.indices) for b in batches}) == 40
    shared = [len(set(a.indices) & set(b.indices)) for a, b in zip(batches, batches[1:], strict=False)]
    assert min(shared) < 18 < max(shared)  # of one permutation, they would share 10 at most


@pytest.mark.parametrize("mode", ["ghost", BATCH, TRAINED])
@pytest.mark.parametrize(
    "words", [("lb",), ("lb_gbn",), ("sb", "model.name=tests.networks:with_dropout", "runtime.compile=false")]
)
def test_measuring_leaves_training_bit_equal(digits, words, mode):
    method, *overrides = words
    with (
        closing(trainer(digits(method, *overrides))) as disturbed,
        closing(trainer(digits(method, *overrides))) as plain,
    ):
        for update in range(4):
            before = torch.get_rng_state()
            measured(disturbed, mode, 32, 16, 2)
            assert torch.equal(torch.get_rng_state(), before)
            for one in (disturbed, plain):
                one.train_step(update)
        assert disturbed.model.training
        assert torch.equal(disturbed.flat.weights, plain.flat.weights)
        for name, tensor in plain.optimizer.state.items():
            assert torch.equal(disturbed.optimizer.state[name], tensor)
        assert torch.equal(disturbed.totals, plain.totals)
        for one, other in zip(disturbed.model.buffers(), plain.model.buffers(), strict=True):
            assert torch.equal(one, other)
