"""Two updates by another trainer and by a plain loop: prints how far apart they end. test_peers runs it."""

import copy
import json
import sys
from contextlib import suppress
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from gengap.bench.cases import Case
from gengap.bench.peers import PEERS
from gengap.bench.peers.batches import batches
from gengap.bench.typical import optimizer
from gengap.config.schema import Config

UPDATES = 2


class EndedError(Exception):
    """The trainer has made enough updates."""


class Counted:
    """Stands for bench.requests.Requests, and ends training."""

    def __init__(self) -> None:
        self.left = UPDATES

    def built(self, *_: object) -> None:
        """Nothing is timed here."""

    def after_update(self) -> None:
        """Count."""
        self.left -= 1
        if not self.left:
            raise EndedError


def plain_loop(network: nn.Module, config: Config) -> None:
    """As `gengap.training` does: the mean gradient over ghosts, clipped, and one step."""
    step = optimizer(config, network)
    found, _ = batches(config, config.method.batch_size, in_memory=True)
    for _, (images, labels) in zip(range(UPDATES), found, strict=False):
        size = config.method.ghost_size or len(labels)
        step.zero_grad()
        for x, y in zip(images.split(size), labels.split(size), strict=True):
            (nn.functional.cross_entropy(network(x), y) * len(y) / len(labels)).backward()
        if config.method.clip_norm is not None:
            nn.utils.clip_grad_norm_(network.parameters(), config.method.clip_norm)
        step.step()


def ended(name: str, config: Config) -> tuple[nn.Module, nn.Module]:
    """The network as the trainer leaves it, and as the plain loop does."""
    module: Any = import_module(f"gengap.bench.peers.{PEERS[name].module}")
    kept = SimpleNamespace()
    build = module.build

    def kept_build(*arguments: Any, **options: Any) -> nn.Module:
        torch.manual_seed(0)
        kept.network = build(*arguments, **options)
        kept.start = copy.deepcopy(kept.network)
        kept.before = {key: value.clone() for key, value in kept.network.state_dict().items()}
        return kept.network

    module.build = kept_build
    with suppress(EndedError):
        module.train(config, Counted(), in_memory=True)
    plain_loop(kept.start, config)
    assert farthest(kept.before, kept.start.state_dict()) > 1e-3  # it has trained
    return kept.network, kept.start


def farthest(a: dict[str, Tensor], b: dict[str, Tensor]) -> float:
    """The largest difference of tensors of the same name."""
    return max(float((a[key] - b[key]).abs().max()) for key in b if key in a)


if __name__ == "__main__":
    name, method = sys.argv[1:]
    theirs, ours = ended(name, Case("digits_f1", method, ("fp32",)).config("fp32"))
    statistics = [{k.replace(".batchnorm", ""): v for k, v in n.state_dict().items()} for n in (theirs, ours)]
    running = [{k: v for k, v in found.items() if "running" in k} for found in statistics]
    weights = [
        {k: v for k, v in found.items() if "running" not in k and "num" not in k} for found in statistics
    ]
    assert all(map(len, (*running, *weights)))
    assert len(weights[0]) == len(weights[1])
    print(json.dumps({"weights": farthest(*weights), "running statistics": farthest(*running)}))
