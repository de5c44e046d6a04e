"""The number of CPU threads of a run, and advice where a single thread would be faster, as on a busy machine.

The number determines the order of summation, and so the last bits of every result. It is therefore set by the
machine, the record or the command line, never by the current load.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from gengap.config.schema import Method, Runtime
from gengap.training.objective import sample_losses
from gengap.training.sandbox import sandboxed
from gengap.training.trainer import Trainer

TRIAL_SECONDS = 0.3  # per number of threads, and at least one update
TRIAL_SAMPLES = 512  # at most, per trial update
WORTH_SAYING = 1.1  # smallest speed-up for which advice is given
SHORT_RUN = 30.0  # seconds; shorter runs get no advice


def threads_of(runtime: Runtime, record: Mapping[str, Any], default: int | None = None) -> int | None:
    """runtime.threads if set, else those that the recorded run started with on a CPU, else `default`."""
    if runtime.threads is not None:
        return runtime.threads
    hardware = record.get("hardware", {})
    return int(hardware["threads"]) if hardware.get("device") == "cpu" else default


def thread_advice(trainer: Trainer, rate: Callable[[Trainer], float] | None = None) -> str | None:
    """A line with both speeds if one thread trains faster than the current number, else None.

    Args:
        trainer: on a CPU, before its first update; it is not changed.
        rate: gives images per second with the current number of threads; by default `measured_rate`.
    """
    rate = rate or measured_rate
    threads = torch.get_num_threads()
    if threads == 1:
        return None
    with_all = rate(trainer)
    if trainer.regime.updates * trainer.config.method.batch_size / with_all < SHORT_RUN:
        return None
    try:
        torch.set_num_threads(1)
        with_one = rate(trainer)
    finally:
        torch.set_num_threads(threads)
    if with_one < WORTH_SAYING * with_all:
        return None
    return (
        f"1 thread trains about {with_one:,.0f} images/s here, and {threads} threads only {with_all:,.0f} "
        "(busy cores or a small network): to use one thread, stop this run and add runtime.threads=1"
    )


def measured_rate(trainer: Trainer) -> float:
    """Images per second of forward and backward passes on blank images, with the current threads."""
    model, device = trainer.model, trainer.flat.weights.device
    samples = _trial_samples(trainer.config.method, trainer.micro_batch)
    images = torch.zeros(samples, *trainer.train.shape, device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(samples, dtype=torch.int64, device=device)
    with sandboxed(model):
        _forward_and_backward(trainer, model, images, labels)  # warm-up
        began, updates = time.perf_counter(), 0
        while not updates or time.perf_counter() - began < TRIAL_SECONDS:
            _forward_and_backward(trainer, model, images, labels)
            updates += 1
        return updates * samples / (time.perf_counter() - began)


def _trial_samples(method: Method, micro_batch: int) -> int:
    """The micro-batch, or whole ghosts of it, at most TRIAL_SAMPLES unless one ghost is larger."""
    if micro_batch <= TRIAL_SAMPLES:
        return micro_batch
    ghost = method.ghost_size or 1
    return ghost * max(1, TRIAL_SAMPLES // ghost)


def _forward_and_backward(
    trainer: Trainer, model: nn.Module, images: torch.Tensor, labels: torch.Tensor
) -> None:
    losses, _ = sample_losses(model, images, labels, trainer.flat.weights.dtype, bf16=trainer.bf16)
    torch.autograd.grad(losses.sum(), trainer.flat.parameters, allow_unused=True)
