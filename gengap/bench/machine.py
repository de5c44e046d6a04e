"""Peak rates of this machine, to which the shares in a measurement refer, and the work in an update."""

import timeit
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gengap.bench.progress import show
from gengap.config.schema import Config
from gengap.models import build
from gengap.runs.provenance import lacks_bf16, origin
from gengap.training.memory import saved_bytes

REPEATS = 7
PROBE_SIZE = 256  # emulated bf16 would take minutes for a product of the size used for measuring
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def slow_bf16(device: torch.device) -> str | None:
    """Explain why bf16 isn't worth measuring on a CPU, if its products are slower than in fp32; else None."""
    if device.type == "cuda":
        return None
    show("gengap bench: trying matrix products in fp32 and bf16")
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)  # on a busy machine, several threads would wait for one another
        return slower({name: matrix_rate(name, PROBE_SIZE, device) for name in DTYPES})
    finally:
        torch.set_num_threads(threads)


def slower(rates: Mapping[str, float]) -> str | None:
    """Like `slow_bf16`, given the rates of both precisions in GFLOP/s."""
    if rates["bf16"] >= rates["fp32"]:
        return None
    reason = "this processor has no bf16 arithmetic" if lacks_bf16() else "it is slower than fp32 here"
    return f"{reason} (matrix products at {rates['bf16']:,.3g} GFLOP/s, in fp32 at {rates['fp32']:,.3g})"


def peak_rates(device: torch.device, precisions: Iterable[str]) -> dict[str, Any]:
    """Measure matrix product rate by precision (GFLOP/s) and copy rate (GB/s, reads + writes).

    Returns them with hardware and versions.
    """
    size = 8192 if device.type == "cuda" else 2048
    rates = {}
    for name in precisions:
        show(f"gengap bench: measuring matrix products in {name}")
        rates[name] = _rounded(matrix_rate(name, size, device))
    show("gengap bench: measuring copies")
    source = torch.zeros((4 if device.type == "cuda" else 1) * 2**26, device=device)
    target = torch.empty_like(source)
    copied = 2e-9 * source.numel() * source.element_size()
    copies = _rounded(copied / _fastest(partial(target.copy_, source), device))
    return origin(device) | {"matrix_gflops": rates, "copy_gbs": copies}


def matrix_rate(precision: str, size: int, device: torch.device) -> float:
    """Measure the GFLOP/s of multiplying two square matrices of this size."""
    a = torch.randn(size, size, device=device).to(DTYPES[precision])
    return 2e-9 * size**3 / _fastest(partial(torch.matmul, a, a), device)


def _rounded(rate: float) -> float:
    return float(f"{rate:.4g}")  # to significant digits, so that no rate becomes 0


def _fastest(operation: Callable[[], Any], device: torch.device) -> float:
    def run() -> None:
        operation()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return min(timeit.repeat(run, number=1, repeat=REPEATS))


def gflop_per_image(config: Config, shape: tuple[int, int, int], num_classes: int) -> float:
    """Count forward and backward pass operations (10^9), in matrix products and convolutions only."""
    height, width, channels = shape
    model = build(config.model.name, num_classes, **config.model.options)
    samples = 2  # batch norm needs at least two
    with FlopCounterMode(display=False) as counter:
        output = model(torch.zeros(samples, channels, height, width))
        nn.functional.cross_entropy(output, torch.zeros(samples, dtype=torch.int64)).backward()
    return 1e-9 * float(counter.get_total_flops()) / samples


def gb_per_update(config: Config, shape: tuple[int, int, int], num_classes: int) -> float:
    """Compute a lower bound on the GB an update reads and writes, for arrays that don't fit into a cache.

    Activations saved for the backward pass are written and read once (counted without a compiler); weights,
    gradient and velocity, at 4 bytes per parameter each, are read and written once.
    """
    height, width, channels = shape
    model = build(config.model.name, num_classes, **config.model.options)
    samples, bf16 = config.method.batch_size, config.precision == "bf16"
    activations = saved_bytes(model, (channels, height, width), samples, bf16)
    parameters = sum(p.numel() for p in model.parameters())
    return 1e-9 * (2 * activations + 3 * 2 * 4 * parameters)
