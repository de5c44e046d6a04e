"""Loss and gradient in each mode of batch norm, in float64, against differences and torch's batch norm."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gengap.errors import UserError
from gengap.landscape import batch_norm
from gengap.landscape import surface as module
from gengap.landscape.batch_norm import Mode
from gengap.landscape.surface import Surface
from tests.landscape.surfaces import CHANNELS, COUNT, NETWORKS, network, random_images, surface

MODES = (Mode.TRAINED, Mode.RECOMPUTED, Mode.BATCH)


def whole_set(name):
    (batch,) = random_images(CHANNELS[name]).evaluation_batches(COUNT)
    return batch[0].double(), batch[1]


def in_pieces(name, monkeypatch, **options):
    monkeypatch.setattr(module, "WHOLE_SET_BYTES", 0)
    made = surface(name, Mode.RECOMPUTED, **options)
    assert made.in_pieces
    return made


@pytest.mark.parametrize("mode", [*MODES, "in pieces"])
@pytest.mark.parametrize("name", NETWORKS)
def test_gradient_is_the_slope_of_the_loss(name, mode, monkeypatch):
    made = in_pieces(name, monkeypatch) if mode == "in pieces" else surface(name, mode)
    loss, gradient = made.loss_and_gradient()
    assert loss == made.loss()
    generator = torch.Generator().manual_seed(0)
    with made.restored() as weights:
        for _ in range(3):
            direction = torch.randn(made.size, generator=generator, dtype=torch.float64)
            step = 1e-8  # hardly any ReLU changes its side
            made.move_to(weights + step * direction)
            above = made.loss()
            made.move_to(weights - step * direction)
            slope = (above - made.loss()) / (2 * step)
            assert float(gradient @ direction) == pytest.approx(slope, rel=1e-5, abs=1e-6)
        made.move_to(weights - 1e-3 * gradient / gradient.norm())
        assert made.loss() < loss  # and it points uphill


@pytest.mark.parametrize("name", NETWORKS)
def test_trained_is_evaluation_mode(name):
    images, labels = whole_set(name)
    made = surface(name)
    plain = network(name).eval()
    expected = F.cross_entropy(plain(images), labels)
    expected.backward()
    loss, gradient = made.loss_and_gradient()
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    for found, parameter in zip(made.flat.views(gradient), plain.parameters(), strict=True):
        torch.testing.assert_close(found, parameter.grad, rtol=1e-9, atol=1e-12)
    errors = float((plain(images).argmax(1) != labels).double().mean())
    assert made.measure() == (loss, pytest.approx(100 * errors))


@pytest.mark.parametrize("name", NETWORKS)
def test_recomputed_in_pieces_is_the_whole_set_as_one_batch(name, monkeypatch):
    images, labels = whole_set(name)
    plain = network(name).train()
    expected = F.cross_entropy(plain(images), labels)
    expected.backward()
    for made in (surface(name, Mode.RECOMPUTED), in_pieces(name, monkeypatch, batch=7)):
        loss, gradient = made.loss_and_gradient()
        assert loss == pytest.approx(expected.item(), rel=1e-12)
        assert made.loss() == pytest.approx(expected.item(), rel=1e-12)
        for found, parameter in zip(made.flat.views(gradient), plain.parameters(), strict=True):
            torch.testing.assert_close(found, parameter.grad, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("name", NETWORKS)
def test_recomputed_statistics_are_those_of_torch_over_the_whole_set(name):
    images, _ = whole_set(name)
    plain = network(name).train()
    counts = {}
    for layer in batch_norm.layers(plain):
        layer.momentum = 1.0
        layer.register_forward_pre_hook(lambda m, x: counts.update({m: x[0].numel() // x[0].shape[1]}))
    plain(images)
    made = surface(name, Mode.RECOMPUTED, batch=7)
    found = made.statistics()
    assert len(found) == len(batch_norm.layers(plain))
    for layer, other in zip(batch_norm.layers(plain), batch_norm.layers(made.network), strict=True):
        biased = layer.running_var * (counts[layer] - 1) / counts[layer]
        torch.testing.assert_close(found[other].mean, layer.running_mean, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(found[other].variance, biased, rtol=1e-10, atol=1e-12)


def test_batch_mode_normalizes_each_batch_by_itself():
    images, labels = whole_set("convolutional")
    plain = network("convolutional").train()
    parts = zip(images.split(25), labels.split(25), strict=True)
    expected = sum(F.cross_entropy(plain(x), y, reduction="sum").item() for x, y in parts) / COUNT
    assert surface("convolutional", Mode.BATCH).loss() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("mode", [Mode.TRAINED, Mode.RECOMPUTED])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_size_of_the_batches_does_not_matter(name, mode, monkeypatch):
    monkeypatch.setattr(module, "WHOLE_SET_BYTES", 0)
    loss, gradient = surface(name, mode, batch=COUNT).loss_and_gradient()
    for batch in (7, 59):
        found = surface(name, mode, batch=batch).loss_and_gradient()
        assert found[0] == pytest.approx(loss, rel=1e-12)
        torch.testing.assert_close(found[1], gradient, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("mode", [Mode.RECOMPUTED, Mode.BATCH])
def test_another_set_is_measured_with_the_statistics_of_the_mode(mode):
    other = random_images(1, 10)
    made = surface("f1", mode, batch=10)
    found, _ = made.measure(other)
    images, labels = next(other.evaluation_batches(10))
    if mode == Mode.BATCH:
        expected = F.cross_entropy(network("f1").train()(images.double()), labels)
    else:
        with batch_norm.using(made.statistics()):
            expected = F.cross_entropy(made.network(images.double()), labels)
    assert found == pytest.approx(expected.item(), rel=1e-12)


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("stops", [False, True])
def test_weights_and_buffers_come_back_bit_by_bit(mode, stops):
    calls = []

    def between(images):
        calls.append(images)
        if stops and len(calls) == 4:
            raise StoppedError

    made = surface("convolutional", mode, between=between, network=network("convolutional", torch.float32))
    before = copy.deepcopy(made.network.state_dict())
    try:
        with made.restored() as weights:
            made.move_to(weights + 0.01)
            made.loss_and_gradient()
            made.measure()
            made.measure(random_images(1, 10))
    except StoppedError:
        assert stops
    assert len(calls) >= 4
    after = made.network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert all("forward" not in vars(layer) for layer in batch_norm.layers(made.network))


def test_no_gradient_is_left_in_the_network():
    made = surface("f1")
    made.loss_and_gradient()
    assert all(parameter.grad is None for parameter in made.network.parameters())


class Shared(nn.Module):
    """Runs one batch norm twice."""

    def __init__(self):
        super().__init__()
        self.first, self.last, self.norm = nn.Linear(64, 8), nn.Linear(8, 3), nn.BatchNorm1d(8)

    def forward(self, x):
        return self.last(self.norm(self.norm(self.first(x.flatten(1)))))


def test_a_batch_norm_that_runs_twice_can_not_be_recomputed():
    with pytest.raises(UserError, match="used more than once.*: use batch_norm=trained or batch_norm=batch"):
        Surface(Shared(), random_images(1), Mode.RECOMPUTED)


def test_a_batch_norm_without_running_statistics_is_measured_per_batch_only():
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3), nn.BatchNorm1d(3, track_running_stats=False))
    with pytest.raises(UserError, match="keeps no running statistics: use batch_norm=batch"):
        Surface(network, random_images(1))
    Surface(network, random_images(1), Mode.BATCH).loss()


def test_a_batch_of_one_image_has_no_statistics():
    with pytest.raises(
        UserError, match="a batch of one image has no statistics: set samples, or batch, to more"
    ):
        surface("f1", Mode.BATCH, batch=COUNT - 1).loss()


def test_a_network_without_batch_norm_has_the_same_loss_in_every_mode():
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).double()
    losses = [Surface(network, random_images(1), mode).loss_and_gradient()[0] for mode in MODES]
    assert losses[0] == losses[1] == losses[2]


def test_a_surface_whose_network_another_one_took_over_does_not_move():
    shared = network("f1")
    first = surface("f1", network=shared)
    surface("f1", network=shared)
    with pytest.raises(RuntimeError, match="another surface was made of this network"):
        first.move_to(first.flat.weights)
