"""`gengap landscape potential`: where it goes from the initial weights, and the losses there."""

import json

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gengap.cli.landscape import main
from gengap.errors import DONE, UserError
from gengap.landscape.initial import glorot_, initial_network
from gengap.landscape.potential import DIRECTIONS, potential, random_step
from gengap.landscape.settings import Potential
from gengap.landscape.subject import Subject
from tests.networks import convolutional

pytestmark = pytest.mark.slow


def subject(config, settings) -> Subject:
    return Subject(config, settings, torch.device("cpu"), lambda _: None)


def measured(config, settings, done: int = 0):
    return list(potential(subject(config, settings), settings, done))


def test_steps_are_uniform_in_length_and_direction():
    steps = np.array([random_step(3, 2.0, 5, k).numpy() for k in range(4000)])
    lengths = np.linalg.norm(steps, axis=1)
    assert lengths.max() < 2
    assert np.histogram(lengths, 8, (0, 2))[0] == pytest.approx(np.full(8, 500), abs=4 * np.sqrt(500))
    # On a sphere in three dimensions, every coordinate of a unit vector is uniform in [-1, 1]
    for coordinate in (steps / lengths[:, None]).T:
        assert np.histogram(coordinate, 8, (-1, 1))[0] == pytest.approx(np.full(8, 500), abs=4 * np.sqrt(500))


def test_a_larger_radius_goes_farther_in_the_same_directions():
    torch.testing.assert_close(5 * random_step(7, 1.0, 0, 3), random_step(7, 5.0, 0, 3))


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_glorot_weights_have_the_variance_of_the_paper_whatever_the_memory_format(memory_format):
    network = convolutional(10, 64, 512).to(memory_format=memory_format)
    glorot_(network, seed=3)
    again = convolutional(10, 64, 512)
    glorot_(again, seed=3)
    for module, same in zip(network.modules(), again.modules(), strict=True):
        if isinstance(module, nn.Conv2d | nn.Linear):
            spatial = module.weight[0, 0].numel()
            fans = (module.weight.shape[0] + module.weight.shape[1]) * spatial
            assert module.weight.abs().max() <= np.sqrt(6 / fans)
            if module.weight.numel() > 5000:
                assert float(module.weight.detach().var()) == pytest.approx(2 / fans, rel=0.1)
            assert torch.equal(module.weight, same.weight)
            assert module.bias is None or not module.bias.any()
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            assert (module.weight == 1).all()
            assert not module.bias.any()


def test_losses_are_those_at_the_distances(digits):
    settings = Potential(directions=3, radius=4.0, batch=1437)
    config = digits("sb")
    (found,) = measured(config, settings)
    one = subject(config, settings)
    network = initial_network(one, settings)
    ((images, labels),) = one.train.evaluation_batches(1437)
    start = [p.detach().clone() for p in network.parameters()]
    assert found["loss"] == pytest.approx(F.cross_entropy(network.train()(images), labels).item(), rel=1e-5)
    size = sum(p.numel() for p in start)
    for number in range(3):
        step = random_step(size, 4.0, 0, number)
        assert found["distances"][number] == pytest.approx(float(torch.linalg.vector_norm(step)), rel=1e-5)
        with torch.no_grad():
            parts = step.split([p.numel() for p in start])
            for p, before, part in zip(network.parameters(), start, parts, strict=True):
                p.copy_(before + part.view(p.shape))
            loss = F.cross_entropy(network(images), labels)
        assert found["losses"][number] == pytest.approx(float(loss), rel=1e-5)


def test_a_killed_measurement_continues_where_it_stopped(digits):
    settings = Potential(directions=DIRECTIONS + 3, samples=50)
    whole = measured(digits("sb"), settings)
    assert [len(m["losses"]) for m in whole] == [DIRECTIONS, 3]
    assert measured(digits("sb"), settings, done=1) == whole[1:]
    assert measured(digits("sb"), settings, done=2) == []


def test_without_training_nothing_is_normalized_in_evaluation_mode(digits):
    settings = Potential(batch_norm="trained", directions=1, samples=50, initial="run")
    one = subject(digits("sb"), settings)
    network = initial_network(one, settings)
    plain = nn.Sequential(*(m for m in network if not isinstance(m, nn.BatchNorm1d)))
    ((images, labels),) = one.train.evaluation_batches(50)
    (found,) = measured(digits("sb"), settings)
    assert found["loss"] == pytest.approx(F.cross_entropy(plain(images), labels).item(), rel=1e-4)


def test_the_command_makes_a_record_without_a_run(tmp_path):
    words = ["+experiment=digits_sb", f"results_dir={tmp_path}", "directions=2", "samples=50"]
    assert main(["potential", *words, "batch_norm=batch,trained"]) == DONE
    records = [json.loads(f.read_text()) for f in tmp_path.glob("landscape/*/seed0/potential-*.json")]
    assert {r["measurements"][0]["batch_norm"] for r in records} == {"batch", "trained"}
    assert all(r["config"]["potential"]["initial"] == "glorot" for r in records)


def test_a_mistake_is_one_line():
    for word, says in (("radius=0", "radius=0 must be"), ("initial=zero", "initial=zero is unknown")):
        with pytest.raises(UserError, match=says):
            main(["potential", "+experiment=digits_sb", word])
