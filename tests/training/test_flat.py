"""Gradients in one flat vector, and their clipping."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from gengap.training import flat as flat_module
from gengap.training.flat import Flat
from gengap.training.sgd import clip_


def network() -> nn.Sequential:
    """Parameters of several shapes, one of them a channels_last kernel."""
    return nn.Sequential(nn.Conv2d(3, 4, 2), nn.Flatten(), nn.Linear(4, 5)).to(
        memory_format=torch.channels_last
    )


used_parameters = st.lists(st.booleans(), min_size=4, max_size=4).filter(any)


@given(st.lists(used_parameters, min_size=1, max_size=4), st.integers(0, 99))
def test_gradients_of_micro_batches_are_summed(parts, seed):
    generator = torch.Generator().manual_seed(seed)
    flat = Flat(network())
    flat.gradient.fill_(7.0)  # from the last update, to be overwritten
    summed = [torch.zeros_like(p) for p in flat.parameters]
    for number, used in enumerate(parts):
        gradients = [torch.randn(p.shape, generator=generator) for p in flat.parameters]
        flat.collect([g if u else None for g, u in zip(gradients, used, strict=True)], first=number == 0)
        summed = [s + g if u else s for s, g, u in zip(summed, gradients, used, strict=True)]
    found = flat.gradient.split(flat.sizes)
    for parameter, one, expected in zip(flat.parameters, found, summed, strict=True):
        torch.testing.assert_close(one.as_strided(parameter.shape, parameter.stride()), expected)


def test_tensors_are_combined_the_same_way_one_by_one():
    """Where torch no longer has its private operations on lists of tensors."""
    sources = [torch.arange(3.0), torch.ones(2, 2)]
    for listed, single in ((flat_module._copy, Tensor.copy_), (flat_module._add, Tensor.add_)):
        targets = [[torch.full_like(s, 2.0) for s in sources] for _ in range(2)]
        listed(targets[0], sources)
        flat_module._one_by_one(single)(targets[1], sources)
        assert all(map(torch.equal, *targets))


@pytest.mark.parametrize("max_norm", [None, 0.5, 1.999, 2.0, 2.001, 5.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_clipping_equals_torch(max_norm, dtype):
    gradient = torch.full((16,), 0.5, dtype=dtype)  # of norm 2
    parameter = nn.Parameter(torch.zeros_like(gradient))
    parameter.grad = gradient.clone()
    if max_norm is not None:
        nn.utils.clip_grad_norm_([parameter], max_norm)
    assert clip_(gradient, max_norm) == 2
    assert torch.equal(gradient, parameter.grad)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_non_finite_gradient_stays_non_finite(bad):
    gradient = torch.tensor([bad, 1.0])
    assert not clip_(gradient, 5.0).isfinite()
    assert not gradient.isfinite().all()
