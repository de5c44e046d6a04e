"""Micro-batches: only batch norm couples samples, so whole ghosts can run one after another."""

import torch
from torch import nn

from gengap.config.schema import Config, Method
from gengap.training.memory import update_bytes, vectors

USABLE = 0.8  # of a GPU's memory; the rest is for the data set, workspaces and errors of the estimate


def micro_batches(samples: int, at_a_time: int, method: Method) -> list[tuple[slice, float]]:
    """Cut a batch into micro-batches.

    Args:
        samples: size of the batch; none of the method's sizes for a partial batch.
        at_a_time: samples per micro-batch, a multiple of the ghost size.
        method: gives batch sizes and ghost size.

    Returns:
        For each micro-batch its slice of the batch, and the weight of each of its samples in the mean loss.
    """
    if method.ghost_size is None or samples in (method.batch_size, *method.earlier_batches):
        return [(slice(s, s + at_a_time), 1 / samples) for s in range(0, samples, at_a_time)]
    # As in the released code, the ghosts of a partial batch are the chunks of torch.chunk, equally weighted
    ghosts = torch.arange(samples).chunk(max(1, method.batch_size // method.ghost_size))
    return [(slice(int(g[0]), int(g[-1]) + 1), 1 / (len(ghosts) * len(g))) for g in ghosts]


def micro_batch_size(
    config: Config, model: nn.Module, shape: tuple[int, int, int], device: torch.device
) -> int:
    """Samples per micro-batch: runtime.micro_batch, or what suits the device.

    It is that of the largest batch; a smaller one may be a single micro-batch.
    With ghosts that is as many as the memory holds on a GPU, one ghost for convolutions on a CPU (activations
    then stay in the cache), and the whole batch for other networks on a CPU; without ghosts, the whole batch.

    Args:
        config: of the run.
        model: in training mode, on its device.
        shape: of one image, (C, H, W).
        device: where it trains.
    """
    method = config.method
    batch, ghost = max([method.batch_size, *method.earlier_batches]), method.ghost_size
    if config.runtime.micro_batch is not None:
        return min(config.runtime.micro_batch, batch)
    if ghost is None or ghost >= batch:
        return batch
    if device.type == "cuda":
        capacity = torch.cuda.get_device_properties(device).total_memory
        bf16, kept = config.precision == "bf16", vectors(config)
        return most_that_fit(model, shape, batch, ghost, bf16, USABLE * capacity, kept)
    return ghost if has_convolutions(model) else batch


def most_that_fit(
    model: nn.Module,
    shape: tuple[int, int, int],
    batch: int,
    ghost: int,
    bf16: bool,
    capacity: float,
    vectors: int = 4,
) -> int:
    """The largest micro-batch of whole ghosts that divides the batch and fits into `capacity` bytes.

    One ghost if nothing fits.
    """
    ghosts = batch // ghost
    sizes = [ghost * k for k in range(ghosts, 0, -1) if ghosts % k == 0]
    return next((s for s in sizes if update_bytes(model, shape, s, bf16, vectors) <= capacity), ghost)


def has_convolutions(model: nn.Module) -> bool:
    """Whether any layer is a two-dimensional convolution."""
    return any(isinstance(m, nn.Conv2d) for m in model.modules())
