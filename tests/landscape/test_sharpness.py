"""Metric 2.1 against a plain implementation, and both kinds of sharpness where weights are rescaled."""

import copy

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from gengap.landscape.batch_norm import Mode
from gengap.landscape.sharpness import adaptive_sharpness, sharpness
from gengap.landscape.subspace import Subspace
from gengap.landscape.surface import Surface
from tests.landscape.surfaces import COUNT, network, random_images, surface


def plain_metric(model, epsilon, matrix=None):
    """Metric 2.1 by scipy and torch alone: the loss of `model` in its present mode, on all images at once."""
    images, labels = next(random_images(1).evaluation_batches(COUNT))
    shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
    x = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    matrix = torch.eye(len(x), dtype=x.dtype) if matrix is None else matrix.double()

    def loss_at(y):
        parts = (x + matrix @ y).split([shape.numel() for shape in shapes.values()])
        weights = {name: part.view(shapes[name]) for name, part in zip(shapes, parts, strict=True)}
        return F.cross_entropy(functional_call(model, weights, (images.double(),)), labels)

    def negated(y):
        y = torch.from_numpy(y).requires_grad_()
        loss = loss_at(y)
        (gradient,) = torch.autograd.grad(loss, y)
        return -loss.item(), -gradient.numpy()

    radius = epsilon * (np.abs(np.linalg.pinv(matrix.numpy()) @ x.numpy()) + 1)
    start = np.zeros(matrix.shape[1])
    bounds = list(zip(-radius, radius, strict=True))
    exact = {"ftol": 1e-15, "gtol": 1e-12, "maxiter": 1000, "maxfun": 10_000}
    found = minimize(negated, start, jac=True, method="L-BFGS-B", bounds=bounds, options=exact)
    at_zero = -negated(start)[0]
    return 100 * (-found.fun - at_zero) / (1 + at_zero)


@pytest.mark.parametrize(("epsilon", "mode"), [(1e-3, Mode.TRAINED), (5e-4, Mode.RECOMPUTED)])
def test_metric_equals_a_plain_implementation(epsilon, mode):
    model = network("f1").train(mode == Mode.RECOMPUTED)
    measured = sharpness(surface("f1", mode), epsilon, iterations=60)
    assert measured["sharpness"] == pytest.approx(plain_metric(copy.deepcopy(model), epsilon), rel=1e-3)
    rise = measured["max_loss"] - measured["loss"]
    assert measured["sharpness"] == pytest.approx(100 * rise / (1 + measured["loss"]), rel=1e-12)


@pytest.mark.parametrize("dimension", [1, 20])
def test_metric_in_a_subspace_equals_a_plain_implementation(dimension):
    made = surface("f1")
    subspace = Subspace(made.size, dimension, 0)
    matrix = torch.cat([entries for _, entries in subspace])
    measured = sharpness(made, 1e-3, subspace, iterations=60)
    assert measured["subspace"] == dimension
    assert measured["sharpness"] == pytest.approx(plain_metric(network("f1").eval(), 1e-3, matrix), rel=1e-3)


@pytest.mark.parametrize("mode", [Mode.TRAINED, Mode.RECOMPUTED])
def test_metric_does_not_depend_on_the_size_of_the_batches(mode):
    found = [sharpness(surface("f1", mode, batch=batch), 1e-3)["sharpness"] for batch in (60, 7)]
    assert found[0] == pytest.approx(found[1], rel=1e-6)


@pytest.mark.parametrize("measure", [sharpness, adaptive_sharpness])
def test_weights_come_back_bit_by_bit(measure):
    made = surface("convolutional", Mode.BATCH, network=network("convolutional", torch.float32))
    before = copy.deepcopy(made.network.state_dict())
    measured = measure(made, 1e-2)
    assert measured["max_loss"] > measured["loss"]
    after = made.network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def rescaled(factor):
    """A ReLU network whose function does not depend on the factor."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, last = nn.Linear(64, 8), nn.Linear(8, 3)
    with torch.no_grad():
        first.weight *= factor
        first.bias *= factor
        last.weight /= factor
    return Surface(nn.Sequential(nn.Flatten(), first, nn.ReLU(), last).double(), random_images(1), batch=25)


def test_adaptive_sharpness_does_not_change_when_the_weights_are_rescaled_and_metric_does():
    same = [adaptive_sharpness(rescaled(factor), 1e-2) for factor in (1, 16)]
    assert same[0]["loss"] == pytest.approx(same[1]["loss"], rel=1e-12)
    assert same[0]["sharpness"] == pytest.approx(same[1]["sharpness"], rel=1e-6)
    changed = [sharpness(rescaled(factor), 1e-3)["sharpness"] for factor in (1, 16)]
    assert changed[1] > 1.3 * changed[0]


@pytest.mark.parametrize(
    ("measure", "arguments", "error", "message"),
    [
        (sharpness, {"epsilon": 0}, ValueError, "epsilon=0 must be a finite number above 0"),
        (sharpness, {"epsilon": float("nan")}, ValueError, "epsilon=nan must be a finite number above 0"),
        (sharpness, {"epsilon": "1e-3"}, TypeError, "epsilon must be a number above 0, such as 1e-3"),
        (
            sharpness,
            {"epsilon": 1e-3, "subspace": 100},
            TypeError,
            r"Subspace\(surface.size, dimension, seed\)$",
        ),
        (sharpness, {"epsilon": 1e-3, "subspace": Subspace(9, 2, 0)}, ValueError, "is one of 9 weights"),
        (sharpness, {"epsilon": 1e-3, "iterations": 0}, ValueError, "iterations=0 must be at least 1"),
        (adaptive_sharpness, {"rho": -1e-2}, ValueError, "rho=-0.01 must be a finite number above 0"),
    ],
)
def test_arguments_say_what_to_pass(measure, arguments, error, message):
    with pytest.raises(error, match=message):
        measure(surface("f1"), **arguments)
