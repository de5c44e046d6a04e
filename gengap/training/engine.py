"""What runs an update: plain operations or compiled ones, launched one by one or as a CUDA graph."""

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

WORTH_COMPILING = 2000  # updates; compiling costs as long as some hundred of them win

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Engine:
    """Every engine makes the same update, up to the rounding of sums in another order."""

    compiled: bool  # forward and backward pass
    graph: bool  # all of the update

    def __str__(self) -> str:
        return ", ".join(n for n in ("compiled", "graph") if getattr(self, n)) or "plain"


def engine(config: Config, model: nn.Module, regime: Regime, device: torch.device) -> Engine:
    """The engine of a run: runtime.compile and runtime.graph, or where they are null, what pays.

    It follows from configuration, network and device alone, not from the work that is left: a resumed run
    goes on as it began.

    Raises:
        UserError: runtime.compile=true without a C++ compiler.
    """
    on_gpu, asked = device.type == "cuda", config.runtime
    if asked.compile and not (on_gpu or _cpp_compiler()):
        raise UserError("runtime.compile=true needs a C++ compiler such as g++: install one, or leave it out")
    pays = regime.updates >= WORTH_COMPILING and (on_gpu or _pays_on_a_cpu(config, model))
    return Engine(
        compiled=pays if asked.compile is None else asked.compile,
        graph=on_gpu if asked.graph is None else asked.graph,
    )


def _pays_on_a_cpu(config: Config, model: nn.Module) -> bool:
    # Measured: compiled batch norm is slower around oneDNN's convolutions and no faster in small batches
    ghost = config.method.ghost_size
    has_ghosts = ghost is not None and ghost < config.method.batch_size
    return has_ghosts and not has_convolutions(model) and _cpp_compiler()


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """The function compiled anew; it draws the random numbers that it draws uncompiled."""
    torch.compiler.reset()  # what earlier runs of this process compiled
    # It warns of every CUDA toolkit without a GPU, which is nothing to do with compiling for the CPU
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    options: dict[str, Any] = {"fallback_random": True}
    return cast(Callable[P, R], torch.compile(function, dynamic=False, options=options))


def _cpp_compiler() -> bool:
    return any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++"))
