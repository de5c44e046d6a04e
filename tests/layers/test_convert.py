"""Which layers of a network are replaced on a GPU, and that its state_dict stays."""

import pytest
import torch
from torch import nn

from gengap.layers.convert import use_gpu_layers
from gengap.layers.packed_conv import PackedConv2d
from gengap.models import build

pytest.importorskip("triton")


@pytest.mark.parametrize(
    ("name", "packed", "pools"), [("c1", 1, 2), ("vgg", 1, 5), ("resnet44", 28, 0), ("wresnet16_4", 1, 0)]
)
def test_layers_of_the_networks(name, packed, pools) -> None:
    from gengap.layers.max_pool import MaxPool2d

    network = build(name, 10)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    use_gpu_layers(network, bf16=True)
    assert sum(isinstance(m, PackedConv2d) for m in network.modules()) == packed
    assert sum(isinstance(m, MaxPool2d) for m in network.modules()) == pools
    after = network.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[key], value) for key, value in before.items())


def test_convolutions_are_packed_in_bf16_only() -> None:
    network = use_gpu_layers(build("resnet44", 10), bf16=False)
    assert not any(isinstance(m, PackedConv2d) for m in network.modules())


@pytest.mark.parametrize(
    "options",
    [{"padding": 1}, {"dilation": 2}, {"ceil_mode": True}, {"return_indices": True}, {"stride": (1, 2)}],
    ids=str,
)
def test_other_pools_are_left_alone(options) -> None:
    pool = nn.MaxPool2d(3, **options)
    assert type(use_gpu_layers(nn.Sequential(pool), bf16=True)[0]) is nn.MaxPool2d
