"""Packed convolutions against torch's, over random shapes, in double precision."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gengap.layers import packed_conv
from gengap.layers.packed_conv import PackedConv2d, can_pack, packing


@given(
    channels=st.integers(1, 33),
    width=st.integers(1, 70),
    kernel=st.sampled_from([(1, 3), (3, 3), (5, 5), (3, 7)]),
    bias=st.booleans(),
    columns=st.integers(1, 4),
)
def test_equals_the_convolution(channels, width, kernel, bias, columns) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed_conv, "LEAST_IMAGES", 2)
        conv = nn.Conv2d(channels, width, kernel, padding=(kernel[0] // 2, kernel[1] // 2), bias=bias)
        conv = conv.double().to(memory_format=torch.channels_last)
        if not can_pack(conv):
            return
        images = torch.randn(2, channels, 5, columns * packing(conv), dtype=torch.float64)
        images = images.to(memory_format=torch.channels_last).requires_grad_()
        expected = conv(images)
        gradient = torch.randn_like(expected)
        inputs = [images, *conv.parameters()]
        gradients = torch.autograd.grad(expected, inputs, gradient)
        conv.__class__ = PackedConv2d
        found = conv(images)
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
        assert found.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(torch.autograd.grad(found, inputs, gradient), gradients)


@pytest.mark.parametrize(
    ("channels", "width", "pack"), [(3, 64, 8), (3, 16, 8), (16, 16, 4), (32, 32, 2), (64, 64, 1)]
)
def test_packs_as_many_pixels_as_make_enough_channels(channels, width, pack) -> None:
    assert packing(nn.Conv2d(channels, width, 3, padding=1)) == pack


@pytest.mark.parametrize(
    "options",
    [{"stride": 2}, {"dilation": 2}, {"groups": 4}, {"padding": 0}, {"padding_mode": "reflect"}],
    ids=str,
)
def test_other_convolutions_are_left_alone(options) -> None:
    assert can_pack(nn.Conv2d(16, 16, 3, padding=1))
    assert not can_pack(nn.Conv2d(16, 16, 3, **({"padding": 1} | options)))


def test_small_batches_and_odd_widths_are_not_packed(monkeypatch) -> None:
    conv = nn.Conv2d(16, 16, 3, padding=1).to(memory_format=torch.channels_last)
    conv.__class__ = PackedConv2d
    monkeypatch.setattr(packed_conv, "packed_weight", None)
    monkeypatch.setattr(packed_conv, "LEAST_IMAGES", 3)
    conv(torch.zeros(2, 16, 4, 4).to(memory_format=torch.channels_last))
    conv(torch.zeros(3, 16, 4, 5).to(memory_format=torch.channels_last))
    conv(torch.zeros(3, 16, 4, 4))
    with pytest.raises(TypeError):
        conv(torch.zeros(3, 16, 4, 4).to(memory_format=torch.channels_last))
