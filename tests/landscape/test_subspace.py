"""The random subspace of Metric 2.1 against dense linear algebra."""

import numpy as np
import pytest
import torch

from gengap.errors import UserError
from gengap.landscape import subspace as module
from gengap.landscape.subspace import Subspace


def dense(subspace: Subspace) -> torch.Tensor:
    return torch.cat([entries for _, entries in subspace])


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    monkeypatch.setattr(module, "ROWS", 16)
    monkeypatch.setattr(module, "ENTRIES", 200)


@pytest.mark.parametrize("dimension", [1, 7, 50, 300])
def test_pieces_equal_the_kept_matrix(dimension):
    kept, made_again = Subspace(301, dimension, 3), Subspace(301, dimension, 3, kept_bytes=0)
    assert made_again._pieces is None
    assert torch.equal(dense(kept), dense(made_again))
    assert dense(kept).shape == (301, dimension)
    assert all(entries.numel() <= max(200, dimension) and len(entries) <= 16 for _, entries in made_again)
    x, y = torch.randn(301, dtype=torch.float64), torch.randn(dimension, dtype=torch.float64)
    for first, second in (
        (kept.expand(y), made_again.expand(y)),
        (kept.project(x), made_again.project(x)),
        (torch.from_numpy(kept.coordinates(x)), torch.from_numpy(made_again.coordinates(x))),
    ):
        assert torch.equal(first, second)


def test_products_are_those_of_the_matrix():
    subspace = Subspace(101, 9, 0)
    matrix = dense(subspace).double()
    x, y = torch.randn(101, dtype=torch.float64), torch.randn(9, dtype=torch.float64)
    torch.testing.assert_close(subspace.expand(y), matrix @ y)
    torch.testing.assert_close(subspace.project(x), matrix.T @ x)
    assert float(subspace.expand(y) @ x) == pytest.approx(float(y @ subspace.project(x)), rel=1e-12)
    np.testing.assert_allclose(
        subspace.coordinates(x), np.linalg.pinv(matrix.numpy()) @ x.numpy(), rtol=1e-10
    )


def test_entries_are_standard_normal_and_depend_on_seed_and_size_alone():
    entries = dense(Subspace(400, 50, 1))
    assert torch.equal(entries, dense(Subspace(400, 50, 1)))
    assert abs(float(entries.mean())) < 5 / np.sqrt(entries.numel())
    assert abs(float(entries.var()) - 1) < 5 * np.sqrt(2 / entries.numel())
    rows = torch.corrcoef(entries)
    assert float((rows - torch.eye(400)).abs().max()) < 0.8  # no piece repeats another
    assert not torch.equal(entries, dense(Subspace(400, 50, 2)))


def test_more_dimensions_than_weights_are_refused():
    Subspace(5, 5, 0)
    with pytest.raises(UserError, match=r"^subspace=6 has more dimensions than .* \(5\): lower it$"):
        Subspace(5, 6, 0)
