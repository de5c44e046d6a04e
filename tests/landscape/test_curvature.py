"""Hessian eigenvalues and trace against the dense Hessian of torch, and against curvlinops."""

import numpy as np
import pytest
import torch
from torch.func import functional_call
from torch.nn import functional as F

from gengap.errors import UserError
from gengap.landscape import surface as module
from gengap.landscape.batch_norm import Mode, per_batch
from gengap.landscape.curvature import Products, curvature, hutchinson, largest
from tests.landscape.surfaces import CHANNELS, COUNT, network, random_images, surface


def dense_hessian(name, mode):
    """The Hessian of the loss over the whole set, by torch; of weights in the order of the parameters."""
    model = network(name).eval().to(memory_format=torch.contiguous_format)
    images, labels = next(random_images(CHANNELS[name]).evaluation_batches(COUNT))
    names, shapes = zip(*((n, p.shape) for n, p in model.named_parameters()), strict=True)

    def loss(x):
        parts = x.split([shape.numel() for shape in shapes])
        weights = {n: part.view(shape) for n, part, shape in zip(names, parts, shapes, strict=True)}
        return F.cross_entropy(functional_call(model, weights, (images.double(),)), labels)

    x = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    if mode == Mode.TRAINED:
        return torch.autograd.functional.hessian(loss, x).numpy()
    with per_batch(model):
        return torch.autograd.functional.hessian(loss, x).numpy()


@pytest.mark.parametrize("mode", [Mode.TRAINED, Mode.RECOMPUTED])
@pytest.mark.parametrize("name", ["f1", "convolutional"])
def test_eigenvalues_and_trace_are_those_of_the_dense_hessian(name, mode):
    dense = dense_hessian(name, mode)
    expected = np.linalg.eigvalsh(dense)[::-1]
    found = curvature(surface(name, mode), 3, 10, 1e-6, seed=0)
    assert found["eigenvalues"] == pytest.approx(expected[:3].tolist(), rel=1e-6)
    assert found["converged"]
    assert found["batch_norm"] == mode
    assert abs(found["trace"] - np.trace(dense)) < 5 * found["trace_error"]
    assert found["products"] > 10 + 3
    assert found["loss"] == pytest.approx(surface(name, mode).loss(), rel=1e-12)


@pytest.mark.parametrize("mode", [Mode.TRAINED, Mode.BATCH, Mode.RECOMPUTED])
def test_products_are_the_same_with_kept_graphs(mode, monkeypatch):
    directions = np.random.default_rng(0).normal(size=(3, surface("f1").size))
    kept = Products(surface("f1", mode))
    first = [kept.times(direction) for direction in directions]
    monkeypatch.setattr("gengap.landscape.curvature.KEPT_BYTES", 0)
    made_again = Products(surface("f1", mode))
    for direction, expected in zip(directions, first, strict=True):
        np.testing.assert_array_equal(made_again.times(direction), expected)
    assert (kept._kept is None, made_again._kept) == (False, None)
    assert kept.made == made_again.made == 3
    assert kept.loss == made_again.loss


@pytest.mark.parametrize("mode", [Mode.TRAINED, Mode.BATCH])
def test_a_product_is_the_slope_of_the_gradient_whatever_the_batches(mode):
    """A last batch of 10 images counts as 10, not as one of equal weight."""
    made = surface("convolutional", mode)
    products = Products(made)
    direction = np.random.default_rng(0).normal(size=made.size)
    found = products.times(direction)
    step = 1e-7
    with made.restored() as weights:
        made.move_to(weights + step * torch.from_numpy(direction))
        _, above = made.loss_and_gradient()
        made.move_to(weights - step * torch.from_numpy(direction))
        _, below = made.loss_and_gradient()
    slope = (above - below).numpy() / (2 * step)
    np.testing.assert_allclose(found, slope, rtol=1e-4, atol=1e-4 * np.abs(slope).max())
    if mode == Mode.TRAINED:
        other = Products(surface("convolutional", mode, batch=COUNT)).times(direction)
        np.testing.assert_allclose(found, other, rtol=1e-9, atol=1e-12)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # it imports torch.jit.script
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_top_eigenvalues_are_those_of_curvlinops():
    curvlinops = pytest.importorskip("curvlinops")
    model = network("convolutional").eval().to(memory_format=torch.contiguous_format)
    data = [(x.double(), y) for x, y in random_images(1).evaluation_batches(25)]
    parameters = list(model.parameters())
    operator = curvlinops.HessianLinearOperator(
        model, torch.nn.CrossEntropyLoss(), parameters, data, check_deterministic=False
    ).to_scipy(dtype=np.float64)
    size = sum(p.numel() for p in parameters)
    expected, _ = largest(operator.matvec, size, 3, 1e-6, seed=1)
    found = curvature(surface("convolutional"), 3, 2, 1e-6, seed=0)
    assert found["eigenvalues"] == pytest.approx(expected, rel=1e-6)


MATRIX = np.random.default_rng(0).normal(size=(200, 200))
MATRIX = MATRIX + MATRIX.T


def times(vector):
    return MATRIX @ vector


def test_hutchinson_is_unbiased_and_its_standard_error_is_that_of_the_mean():
    """Var(vᵀ H v) = 2 Σ_{i≠j} H_ij² for random signs."""
    trace, error = hutchinson(times, 200, 2000, seed=0)
    variance = 2 * (np.square(MATRIX).sum() - np.square(np.diag(MATRIX)).sum())
    assert error == pytest.approx(np.sqrt(variance / 2000), rel=0.1)
    assert abs(trace - np.trace(MATRIX)) < 4 * error


def test_hutchinson_is_exact_for_a_diagonal_matrix():
    diagonal = np.arange(50.0)
    trace, error = hutchinson(lambda v: diagonal * v, 50, 3, seed=0)
    assert trace == pytest.approx(diagonal.sum())
    assert error == pytest.approx(0, abs=1e-10)


def test_what_has_not_converged_is_reported(monkeypatch):
    monkeypatch.setattr("gengap.landscape.curvature.RESTARTS", 1)
    values, converged = largest(times, 200, 10, 1e-14, seed=0)
    assert not converged
    assert len(values) < 10
    assert set(np.round(values, 6)) <= set(np.round(np.linalg.eigvalsh(MATRIX), 6))


@pytest.mark.parametrize("work", [0, 2**31])
def test_memory_limits_the_vectors_and_not_the_result(work, monkeypatch):
    monkeypatch.setattr("gengap.landscape.curvature.WORK_BYTES", work)
    values, converged = largest(times, 200, 2, 1e-8, seed=0)
    assert converged
    assert values == pytest.approx(np.linalg.eigvalsh(MATRIX)[:-3:-1].tolist())


def test_as_many_eigenvalues_as_weights_are_refused():
    made = surface("f1")
    with pytest.raises(UserError, match=f"^eigenvalues={made.size} must be lower than the number"):
        curvature(made, made.size, 2, 1e-3, 0)


def test_statistics_recomputed_in_pieces_are_refused(monkeypatch):
    monkeypatch.setattr(module, "WHOLE_SET_BYTES", 0)
    with pytest.raises(UserError, match="do not fit into memory: set samples to fewer, or use"):
        curvature(surface("f1", Mode.RECOMPUTED), 1, 2, 1e-3, 0)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"tolerance": 0}, ValueError, "^tolerance=0 must be a finite number above 0$"),
        ({"count": 0}, ValueError, "^count=0 must be at least 1$"),
        ({"probes": 1.5}, TypeError, "^probes must be a whole number of at least 2, not 1.5$"),
    ],
)
def test_arguments_say_what_to_pass(changed, error, message):
    usual = {"count": 1, "probes": 2, "tolerance": 1e-3, "seed": 0}
    with pytest.raises(error, match=message):
        curvature(surface("f1"), **usual | changed)


def test_converged_is_by_the_residual_where_products_are_rounded():
    made = surface("f1", network=network("f1", torch.float32))
    within, beyond = (curvature(made, 1, 2, tolerance, seed=0) for tolerance in (1e-3, 1e-9))
    assert (within["converged"], len(within["eigenvalues"])) == (True, 1)
    assert (beyond["converged"], beyond["eigenvalues"]) == (False, [])


def test_verified_eigenvalues_are_the_same():
    values, converged = largest(times, 200, 3, 1e-8, seed=0, verify=True)
    assert converged
    assert values == pytest.approx(largest(times, 200, 3, 1e-8, seed=0)[0], rel=1e-12)
