"""Peak rates of this machine, which the shares in a measurement refer to, and the work of an update."""

import timeit
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gengap.config.schema import Config, Runtime
from gengap.models import build
from gengap.runs.provenance import origin
from gengap.training.device import prepare_device
from gengap.training.memory import saved_bytes

REPEATS = 7


def peak_rates() -> dict[str, Any]:
    """Hardware, versions, matrix-product rate by precision (GFLOP/s) and copy rate (GB/s, reads + writes)."""
    device = prepare_device(Runtime())
    size = 8192 if device.type == "cuda" else 2048
    rates = {}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        a = torch.randn(size, size, device=device).to(dtype)
        rates[name] = 2e-9 * size**3 / _fastest(partial(torch.matmul, a, a), device)
    source = torch.zeros((4 if device.type == "cuda" else 1) * 2**26, device=device)
    target = torch.empty_like(source)
    copied = 2e-9 * source.numel() * source.element_size()
    return origin(device) | {
        "matrix_gflops": {k: round(v, 1) for k, v in rates.items()},
        "copy_gbs": round(copied / _fastest(partial(target.copy_, source), device), 1),
    }


def _fastest(operation: Callable[[], Any], device: torch.device) -> float:
    def run() -> None:
        operation()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return min(timeit.repeat(run, number=1, repeat=REPEATS))


def gflop_per_image(config: Config, shape: tuple[int, int, int], num_classes: int) -> float:
    """10^9 floating-point operations of forward and backward pass, matrix products and convolutions only."""
    height, width, channels = shape
    model = build(config.model.name, num_classes, **config.model.options)
    samples = 2  # batch norm needs at least two
    with FlopCounterMode(display=False) as counter:
        output = model(torch.zeros(samples, channels, height, width))
        nn.functional.cross_entropy(output, torch.zeros(samples, dtype=torch.int64)).backward()
    return 1e-9 * float(counter.get_total_flops()) / samples


def gb_per_update(config: Config, shape: tuple[int, int, int], num_classes: int) -> float:
    """Lower bound on the GB that an update reads and writes, for arrays that do not fit into a cache.

    Activations saved for the backward pass are written and read once (counted without a compiler); weights,
    gradient and velocity, 4 bytes per parameter each, are read and written once.
    """
    height, width, channels = shape
    model = build(config.model.name, num_classes, **config.model.options)
    samples, bf16 = config.method.batch_size, config.precision == "bf16"
    activations = saved_bytes(model, (channels, height, width), samples, bf16)
    parameters = sum(p.numel() for p in model.parameters())
    return 1e-9 * (2 * activations + 3 * 2 * 4 * parameters)
