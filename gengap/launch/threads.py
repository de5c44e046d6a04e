"""How many CPU threads a run uses, and whether one would be faster than all: beside other work it may be.

The number decides in which order sums are taken, and so the last bits of every result: it follows from the
machine, the record or what was typed, never from how busy the machine is.
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
TRIAL_SAMPLES = 512  # per throw-away update, where the run's own micro-batch is larger
WORTH_SAYING = 1.1  # times as fast
SHORT_RUN = 30.0  # seconds; shorter ones are over before advice is of use


def resumed_threads(runtime: Runtime, record: Mapping[str, Any]) -> int | None:
    """The number asked for, else the one that a recorded run began with on a CPU; None where neither is."""
    if runtime.threads is not None:
        return runtime.threads
    hardware = record.get("hardware", {})
    return int(hardware["threads"]) if hardware.get("device") == "cpu" else None


def thread_advice(trainer: Trainer, rate: Callable[[Trainer], float] | None = None) -> str | None:
    """One line with both rates, where one thread trains faster than those in use; nothing is changed.

    Args:
        trainer: on a CPU, before its first update.
        rate: images per second with the current number of threads; by default measured on the spot, by a
            few throw-away updates on blank images.
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
        f"{threads} threads train about {with_all:,.0f} images/s here, and 1 thread {with_one:,.0f} "
        "(other work on the cores, or a small network): to use one, stop this run and add runtime.threads=1"
    )


def measured_rate(trainer: Trainer) -> float:
    """Images per second of forward and backward passes with the current number of threads."""
    model, device = trainer.model, trainer.flat.weights.device
    samples = _trial_samples(trainer.config.method, trainer.micro_batch)
    images = torch.zeros(samples, *trainer.train.shape, device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(samples, dtype=torch.int64, device=device)
    with sandboxed(model):
        _forward_and_backward(trainer, model, images, labels)  # the first one allocates and chooses kernels
        began, updates = time.perf_counter(), 0
        while not updates or time.perf_counter() - began < TRIAL_SECONDS:
            _forward_and_backward(trainer, model, images, labels)
            updates += 1
        return updates * samples / (time.perf_counter() - began)


def _trial_samples(method: Method, micro_batch: int) -> int:
    """A part of the micro-batch that is whole ghosts."""
    if micro_batch <= TRIAL_SAMPLES:
        return micro_batch
    ghost = method.ghost_size or 1
    return ghost * max(1, TRIAL_SAMPLES // ghost)


def _forward_and_backward(
    trainer: Trainer, model: nn.Module, images: torch.Tensor, labels: torch.Tensor
) -> None:
    losses, _ = sample_losses(model, images, labels, trainer.flat.weights.dtype, bf16=trainer.bf16)
    torch.autograd.grad(losses.sum(), trainer.flat.parameters, allow_unused=True)
