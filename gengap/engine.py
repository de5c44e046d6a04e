"""What runs an update: the plain operations, compiled ones, or one CUDA graph. All make the same update."""

import logging
import os
import shutil
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import torch
from torch import nn

from gengap.errors import UserError
from gengap.parts import has_convolutions
from gengap.regime import Regime
from gengap.schema import Config

log = logging.getLogger(__name__)

PLAIN, COMPILED, GRAPH = "plain", "compiled", "graph"
WORTH_COMPILING = 2000  # updates; on a CPU, compiling costs as long as some hundred of them win

P = ParamSpec("P")
R = TypeVar("R")


def engine(config: Config, model: nn.Module, regime: Regime, device: torch.device) -> str:
    """The engine of a run: runtime.engine, or where that is auto, what suits network, regime and device.

    It follows from these alone, not from the work that is left: a resumed run goes on as it began.

    Raises:
        UserError: runtime.engine=graph without a GPU, or compiled without a C++ compiler.
    """
    asked = config.runtime.engine
    if asked == GRAPH and device.type != "cuda":
        raise UserError(f"runtime.engine={GRAPH} needs a GPU: leave it out, or use {PLAIN} or {COMPILED}")
    if asked == COMPILED and device.type == "cpu" and not _cpp_compiler():
        raise UserError(
            f"runtime.engine={COMPILED} needs a C++ compiler such as g++: install one, or leave it out"
        )
    if asked != "auto":
        return asked
    if device.type == "cuda":
        return GRAPH
    # Measured: on a CPU, compiling is slower than oneDNN's convolutions and wins nothing in small batches
    method = config.method
    has_ghosts = method.ghost_size is not None and method.ghost_size < method.batch_size
    worth = has_ghosts and not has_convolutions(model) and regime.updates >= WORTH_COMPILING
    return COMPILED if worth and _cpp_compiler() else PLAIN


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """The function compiled anew; it draws the random numbers that it draws uncompiled."""
    torch._dynamo.reset()  # what earlier runs of this process compiled
    options: dict[str, Any] = {"fallback_random": True}
    return cast(Callable[P, R], torch.compile(function, dynamic=False, options=options))


def _cpp_compiler() -> bool:
    return any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++"))
