"""Compiled for any batch size, a network writes its batch as one symbol, however many layers it has."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from gengap.ghost import convert
from tests.ghosts import EXACT, updated

BATCHES = {"error": (16, 8, 24), "chunks": (16, 6, 14)}  # the second size makes torch compile for any


class Recorder:
    """A backend of torch.compile that runs the traced operations as they are."""

    def __init__(self):
        self.batches = []  # for each graph, how every convolution's number of samples is written

    def __call__(self, graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Callable:
        nodes = [node for node in graph.graph.nodes if node.target is torch.conv2d]
        self.batches.append([str(node.meta["example_value"].shape[0]) for node in nodes])
        return graph


def deep_network(layers, partial):
    torch.manual_seed(0)
    blocks = [
        nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2), nn.Tanh()) for _ in range(layers)
    ]
    return convert(nn.Sequential(*blocks).double(), 4, partial=partial)


@pytest.mark.parametrize("partial", BATCHES)
def test_batch_stays_one_symbol(partial):
    for layers in (2, 12):  # 12 would take minutes if 2 failed
        ghost, recorder = deep_network(layers, partial), Recorder()
        expected = copy.deepcopy(ghost)
        torch.compiler.reset()
        compiled = torch.compile(ghost, fullgraph=True, backend=recorder)
        for batch in BATCHES[partial]:
            x = torch.randn(batch, 2, 3, 3, dtype=torch.float64)
            assert_close(updated(compiled, x), updated(expected, x), **EXACT)
        static, *dynamic = recorder.batches
        assert static == ["16"] * layers
        assert dynamic
        for batches in dynamic:
            assert len(batches) == layers
            assert len(set(batches)) == 1
            assert batches[0].isidentifier()
