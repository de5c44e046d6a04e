"""Trial updates before a run begins, to measure how fast its network trains here without changing it."""

import time

import torch
from torch import nn

from gengap.config.schema import Method
from gengap.training.objective import sample_losses
from gengap.training.sandbox import sandboxed
from gengap.training.trainer import Trainer

TRIAL_SECONDS = 0.3  # per measurement, which makes at least one update
LONG_SECONDS = 1.0  # if the first update takes longer, it suffices as a measurement
TRIAL_SAMPLES = 512  # most samples per trial update


def measured_rate(trainer: Trainer, bf16: bool | None = None, samples: int | None = None) -> float:
    """Measure images per second of forward and backward passes on blank images, with the current threads.

    Args:
        trainer: trainer before its first update; it is not changed.
        bf16: whether the forward pass is autocast to bfloat16; None for as in the run.
        samples: number of samples per pass; None for that of `trial_samples`.
    """
    model, device = trainer.model, trainer.flat.weights.device
    bf16 = trainer.bf16 if bf16 is None else bf16
    samples = samples or trial_samples(trainer.config.method, trainer.micro_batch)
    images = torch.zeros(samples, *trainer.train.shape, device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(samples, dtype=torch.int64, device=device)
    with sandboxed(model):
        began = time.perf_counter()
        _forward_and_backward(trainer, model, images, labels, bf16)  # warm-up
        first = time.perf_counter() - began
        if first > LONG_SECONDS:
            return samples / first
        began, updates = time.perf_counter(), 0
        while not updates or time.perf_counter() - began < TRIAL_SECONDS:
            _forward_and_backward(trainer, model, images, labels, bf16)
            updates += 1
        return updates * samples / (time.perf_counter() - began)


def trial_samples(method: Method, micro_batch: int) -> int:
    """Size of the micro-batch, or of whole ghosts in it, at most TRIAL_SAMPLES unless one ghost is larger."""
    if micro_batch <= TRIAL_SAMPLES:
        return micro_batch
    ghost = method.ghost_size or 1
    return ghost * max(1, TRIAL_SAMPLES // ghost)


def _forward_and_backward(
    trainer: Trainer, model: nn.Module, images: torch.Tensor, labels: torch.Tensor, bf16: bool
) -> None:
    losses, _ = sample_losses(model, images, labels, trainer.flat.weights.dtype, bf16=bf16)
    torch.autograd.grad(losses.sum(), trainer.flat.parameters, allow_unused=True)
