"""How an update is executed: plain or compiled, with kernels launched one by one or as a CUDA graph."""

import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast

import torch
from torch import nn

from gengap.config.schema import Config
from gengap.errors import UserError
from gengap.regime import Regime
from gengap.training.micro_batches import has_convolutions

MIXED_REDUCTIONS = "triton.mix_order_reduction"  # torch 2.11 fails on WResnet16-4 with ghosts in this pass
WORTH_COMPILING = 2000  # updates; compiling takes as long as several hundred of them save
IMAGES_WORTH_COMPILING = 4_000_000  # on a GPU, where the updates of a large batch save more each

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Engine:
    """How updates are executed; every engine makes the same update up to the order of summation."""

    compiled: bool  # the forward and backward pass, by torch.compile
    graph: bool  # the whole update, as one CUDA graph

    def __str__(self) -> str:
        return ", ".join(n for n in ("compiled", "graph") if getattr(self, n)) or "plain"


def engine(config: Config, model: nn.Module, regime: Regime, device: torch.device, ranks: int = 1) -> Engine:
    """The engine of a run: runtime.compile and runtime.graph, or what pays off where they are null.

    It depends on the configuration, the network and the device only, not on the remaining work, so that a
    resumed run keeps its engine.

    Args:
        config: of the run.
        model: its network.
        regime: its schedule.
        device: where it trains.
        ranks: that train together.

    Raises:
        UserError: runtime.compile=true without a C++ compiler, or runtime.graph=true on several ranks.
    """
    on_gpu, asked = device.type == "cuda", config.runtime
    if asked.compile and not (on_gpu or _cpp_compiler()):
        raise UserError("runtime.compile=true needs a C++ compiler such as g++: install one, or leave it out")
    if asked.graph and ranks > 1:
        raise UserError("runtime.graph=true works in one process only: leave it out on several ranks")
    updates, images = regime.updates, regime.batches.samples(regime.updates)
    pays = updates >= WORTH_COMPILING or (on_gpu and images >= IMAGES_WORTH_COMPILING)
    pays = pays and (on_gpu or _pays_on_a_cpu(config, model))
    return Engine(
        compiled=pays if asked.compile is None else asked.compile,
        graph=on_gpu and ranks == 1 if asked.graph is None else asked.graph,
    )


def _pays_on_a_cpu(config: Config, model: nn.Module) -> bool:
    # Measured: compiled batch norm is slower next to oneDNN's convolutions, and no faster on small batches
    ghost = config.method.ghost_size
    has_ghosts = ghost is not None and ghost < config.method.batch_size
    return has_ghosts and not has_convolutions(model) and _cpp_compiler()


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function with torch.compile; it draws the same random numbers as before."""
    torch.compiler.reset()  # drop what earlier runs of this process compiled
    # It warns of a CUDA toolkit without a GPU, which does not matter for the CPU
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    options: dict[str, Any] = {"fallback_random": True}
    if MIXED_REDUCTIONS in torch._inductor.list_options():
        options[MIXED_REDUCTIONS] = False
    return cast(Callable[P, R], torch.compile(function, dynamic=False, options=options))


def _cpp_compiler() -> bool:
    return any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++"))
