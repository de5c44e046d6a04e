"""Micro-batches: only batch norm couples samples, so whole ghosts can run one after another."""

import torch
from torch import nn

from gengap.config.schema import Config, Method
from gengap.training.memory import update_bytes, vectors
from gengap.training.shares import chunks, is_regular

USABLE = 0.8  # of a GPU's memory; the rest is for the data set, workspaces and errors of the estimate


def micro_batches(
    samples: int, at_a_time: int, method: Method, part: slice | None = None
) -> list[tuple[slice, float]]:
    """Cut a batch, or a rank's part of it, into micro-batches.

    Args:
        samples: size of the whole batch; none of the method's sizes for a partial batch.
        at_a_time: samples per micro-batch, a multiple of the ghost size.
        method: gives batch sizes and ghost size.
        part: whole ghosts of the batch; all of it when None. Without ghosts, an empty part is an empty
            micro-batch.

    Returns:
        For each micro-batch its slice of the batch, and the weight of each of its samples in the mean loss.
    """
    part = part or slice(0, samples)
    if not is_regular(samples, method):
        # As in the released code, the ghosts of a partial batch are equally weighted
        parts = chunks(samples, method)
        return [
            (ghost, 1 / (len(parts) * (ghost.stop - ghost.start)))
            for ghost in parts
            if part.start <= ghost.start < part.stop
        ]
    starts = list(range(part.start, part.stop, at_a_time)) or [part.start]
    return [(slice(start, min(start + at_a_time, part.stop)), 1 / samples) for start in starts]


def micro_batch_size(
    config: Config, model: nn.Module, shape: tuple[int, int, int], device: torch.device, ranks: int = 1
) -> int:
    """Samples per micro-batch of a rank: runtime.micro_batch, or what suits the device.

    It is that of the largest batch; a smaller one may be a single micro-batch.
    With ghosts that is as many as the memory holds on a GPU, one ghost for convolutions on a CPU (activations
    then stay in the cache), and the whole batch for other networks on a CPU; without ghosts, the whole batch.

    Args:
        config: of the run.
        model: in training mode, on its device.
        shape: of one image, (C, H, W).
        device: where it trains.
        ranks: that share each batch.
    """
    method = config.method
    batch, ghost = max([method.batch_size, *method.earlier_batches]) // ranks, method.ghost_size
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
