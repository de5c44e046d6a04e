"""The last, smaller batch: refused, or cut as torch.chunk cuts it."""

import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close
from torch.utils.data import DataLoader

from gengap.ghost import GhostBatchNorm1d, GhostBatchNorm2d, GhostBatchNorm3d, convert

EXACT = {"rtol": 1e-12, "atol": 1e-12}
KINDS = [
    (GhostBatchNorm1d, nn.BatchNorm1d, ()),
    (GhostBatchNorm1d, nn.BatchNorm1d, (3,)),
    (GhostBatchNorm2d, nn.BatchNorm2d, (2, 3)),
    (GhostBatchNorm3d, nn.BatchNorm3d, (2, 1, 3)),
]


def twins(kind, plain_kind, size, **options):
    """Ghost batch norm and batch norm in float64 with the same random parameters."""
    ghost = kind(3, size, partial="chunks", dtype=torch.float64, **options)
    for parameter in ghost.parameters():
        nn.init.uniform_(parameter, 0.5, 1.5)
    plain = plain_kind(3, dtype=torch.float64, **options)
    plain.load_state_dict(ghost.state_dict())
    return ghost, plain


def chunks(x, size):
    return x.chunk(math.ceil(len(x) / size))


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize(("kind", "plain_kind", "spatial"), KINDS)
@settings(max_examples=40)
@given(
    batch=st.integers(2, 40),
    size=st.integers(1, 12),
    momentum=st.sampled_from([0.1, None]),
    channels_last=st.booleans(),
)
def test_equals_batch_norm_of_each_chunk(
    traced, kind, plain_kind, spatial, batch, size, momentum, channels_last
):
    ghost, plain = twins(kind, plain_kind, size, momentum=momentum)
    if traced:
        ghost._forward_folded = ghost._forward_traced
    for _ in range(2):
        x = torch.randn(batch, 3, *spatial, dtype=torch.float64)
        if channels_last:
            x = x.movedim(1, -1).contiguous().movedim(-1, 1)
        parts = chunks(x, size)
        if any(part.numel() == 3 for part in parts):
            with pytest.raises(ValueError, match="more than 1 value per channel"):
                ghost(x)
            break
        mine, reference = x.clone().requires_grad_(), x.clone().requires_grad_()
        y, expected = ghost(mine), torch.cat([plain(part) for part in chunks(reference, size)])
        upstream = torch.randn_like(x)
        y.backward(upstream)
        expected.backward(upstream)
        assert_close(y, expected, **EXACT)
        assert_close(mine.grad, reference.grad, **EXACT)
        assert y.is_contiguous() or not x.is_contiguous()
        for a, b in zip(ghost.parameters(), plain.parameters(), strict=True):
            assert_close(a.grad, b.grad, **EXACT)
    assert_close(ghost.state_dict(), plain.state_dict(), **EXACT)


@pytest.mark.parametrize(
    ("batch", "size", "sizes"), [(10, 4, [4, 4, 2]), (130, 128, [65, 65]), (9, 4, [3, 3, 3])]
)
def test_sizes_of_the_chunks(batch, size, sizes):
    ghost, _ = twins(GhostBatchNorm1d, nn.BatchNorm1d, size, affine=False)
    x = torch.randn(batch, 3, dtype=torch.float64)
    y = ghost(x)
    assert [len(part) for part in chunks(x, size)] == sizes
    for part in y.split(sizes):
        assert part.mean(0).abs().max() < 1e-9
    assert ghost.num_batches_tracked == len(sizes)


@pytest.mark.parametrize("kind", [GhostBatchNorm1d, GhostBatchNorm2d, GhostBatchNorm3d])
def test_refusal_names_both_ways_out_and_changes_nothing(kind):
    layer, x = kind(3, 4), torch.randn(10, 3, *[2] * ({"1": 0, "2": 2, "3": 3}[kind.__name__[-2]]))
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    with pytest.raises(ValueError, match=r"batch of 10 is not a multiple of ghost_size=4") as error:
        layer(x)
    assert re.search(r"DataLoader\(drop_last=True\).*partial='chunks'", str(error.value))
    assert_close(layer.state_dict(), before, rtol=0, atol=0)
    assert_close(layer.eval()(x), kind.__bases__[1](3).eval()(x), rtol=0, atol=0)


def test_single_value_in_the_last_chunk_changes_nothing():
    ghost, _ = twins(GhostBatchNorm1d, nn.BatchNorm1d, 4)
    before = {name: value.clone() for name, value in ghost.state_dict().items()}
    with pytest.raises(ValueError, match="batch of 17 in chunks of 4 has 1"):
        ghost(torch.randn(17, 3, dtype=torch.float64))
    assert_close(ghost.state_dict(), before, rtol=0, atol=0)


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("transform", ["compile", "script"])
def test_compiled_and_scripted(transform, momentum):
    layers = twins(GhostBatchNorm2d, nn.BatchNorm2d, 4, momentum=momentum)
    ghost, plain = (nn.Sequential(layer) for layer in layers)
    if transform == "compile":
        torch.compiler.reset()
        call = torch.compile(ghost, fullgraph=True, backend="aot_eager")
    else:
        call = torch.jit.script(ghost)
    for batch in (12, 10, 5):
        x = torch.randn(batch, 3, 2, 2, dtype=torch.float64)
        assert_close(call(x), torch.cat([plain(part) for part in chunks(x, 4)]), **EXACT)
    for mine, buffer in zip(call.buffers(), plain.buffers(), strict=True):
        assert_close(mine, buffer, **EXACT)


def test_ways_out_of_a_loader():
    data = torch.randn(22, 3)
    strict, chunked = (convert(nn.Sequential(nn.BatchNorm1d(3)), 4, partial=p) for p in ("error", "chunks"))
    for batch in DataLoader(data, batch_size=8, drop_last=True):
        strict(batch)
    for batch in DataLoader(data, batch_size=8):
        chunked(batch)
    assert (strict[0].num_batches_tracked, chunked[0].num_batches_tracked) == (4, 6)
    with pytest.raises(ValueError, match="partial='chunks'"):
        strict(data)


@pytest.mark.parametrize("partial", ["chunk", "drop", "", None, True, 3, ["chunks"]])
def test_unknown_choices(partial):
    model = nn.Sequential(nn.BatchNorm1d(3))
    for call in (lambda: GhostBatchNorm1d(3, 4, partial=partial), lambda: convert(model, 4, partial=partial)):
        with pytest.raises(ValueError, match=re.escape(f"'error' or 'chunks', not {partial!r}")):
            call()
    assert type(model[0]) is nn.BatchNorm1d


def test_choice_is_shown_and_kept():
    layer = GhostBatchNorm1d(3, 4, partial="chunks")
    assert repr(layer).endswith("ghost_size=4, partial='chunks')")
    assert convert(layer, 8).partial == "error"  # as every call of convert says
    assert repr(layer).endswith("ghost_size=8)")
