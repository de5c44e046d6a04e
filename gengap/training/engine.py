"""Choose how updates are executed: plain or compiled, launching kernels one by one or as a CUDA graph."""

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

MIXED_REDUCTIONS = "triton.mix_order_reduction"  # this pass fails in torch 2.11 on WResnet16-4 with ghosts
WORTH_COMPILING = 2000  # updates; compiling costs as much time as several hundred of them save
IMAGES_WORTH_COMPILING = 4_000_000  # on a GPU, where each update of a large batch saves more

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Engine:
    """How updates are executed; all engines compute the same update up to the order of summation."""

    compiled: bool  # whether torch.compile compiles the forward and backward pass
    graph: bool  # whether the whole update runs as one CUDA graph

    def __str__(self) -> str:
        return ", ".join(n for n in ("compiled", "graph") if getattr(self, n)) or "plain"


def engine(config: Config, model: nn.Module, regime: Regime, device: torch.device, ranks: int = 1) -> Engine:
    """Choose the engine of a run: runtime.compile and runtime.graph, or what pays off where they are null.

    The choice depends only on the configuration, the network and the device, not on the remaining work, so a
    resumed run keeps its engine.

    Args:
        config: configuration of the run.
        model: network of the run.
        regime: training schedule.
        device: device the run trains on.
        ranks: number of ranks that train together.

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
    """Compile a function with torch.compile so that it still draws the same random numbers."""
    torch.compiler.reset()  # drop what earlier runs in this process compiled
    # This logger warns about a CUDA toolkit without a GPU, which doesn't matter on the CPU
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    options: dict[str, Any] = {"fallback_random": True}
    if MIXED_REDUCTIONS in torch._inductor.list_options():
        options[MIXED_REDUCTIONS] = False
    return cast(Callable[P, R], torch.compile(function, dynamic=False, options=options))


def _cpp_compiler() -> bool:
    return any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++"))
