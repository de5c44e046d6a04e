from copy import deepcopy

import pytest
import torch
from scipy.stats import kstest
from torch import nn

from gengap.training.network import build_network


def weights(network: nn.Module) -> dict[str, torch.Tensor]:
    return {n: p for n, p in network.named_parameters()}  # noqa: C416  # a copy of the mapping


def norms(network: nn.Module) -> list[str]:
    return [f"{n}.weight" for n, m in network.named_modules() if isinstance(m, nn.BatchNorm1d)]


def test_uniform_weights_of_batch_norm_change_nothing_else(digits):
    config = digits("lb_gbn")
    before = weights(build_network(config, 10))
    config.protocol.bn_weight = "uniform"
    network = build_network(config, 10)
    drawn = norms(network)
    assert drawn
    for name, weight in weights(network).items():
        assert torch.equal(weight, before[name]) == (name not in drawn)


def test_they_are_uniform_and_depend_on_the_seed_and_the_layer_alone(digits):
    config = digits("lb_gbn", "protocol.bn_weight=uniform", "model.options.width=2000")
    network = build_network(config, 10)
    found = [network.get_parameter(n).detach() for n in norms(network)]
    for weight in found:
        assert kstest(weight.numpy(), "uniform").pvalue > 0.01
    assert not torch.equal(found[0], found[1])
    again = deepcopy(config)
    assert torch.equal(build_network(again, 10).get_parameter(norms(network)[0]), found[0])
    again.seed = 1
    assert not torch.equal(build_network(again, 10).get_parameter(norms(network)[0]), found[0])


@pytest.mark.parametrize("bn_weight", ["network", "uniform"])
def test_building_leaves_the_global_generator_alone(bn_weight, digits):
    before = torch.get_rng_state()
    build_network(digits("lb", f"protocol.bn_weight={bn_weight}"), 10)
    assert torch.equal(torch.get_rng_state(), before)
