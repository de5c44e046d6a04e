"""Run a network without side effects."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def sandboxed(model: nn.Module) -> Iterator[None]:
    """Restore the model's buffers and mode, and torch's random number generators, when the block ends.

    Parameters are not restored: the block must not change them.
    """
    before = [buffer.clone() for buffer in model.buffers()]
    training = model.training
    gpus = {parameter.device for parameter in model.parameters() if parameter.is_cuda}
    try:
        with torch.random.fork_rng(gpus):
            yield
    finally:
        model.train(training)
        with torch.no_grad():
            for buffer, value in zip(model.buffers(), before, strict=True):
                buffer.copy_(value)
