"""Micro-batches: only batch norm couples samples, so whole ghost batches can run one after another."""

import torch
from torch import nn

from gengap.config.schema import Config, Method
from gengap.training.memory import update_bytes, vectors
from gengap.training.shares import chunks, is_regular

USABLE = 0.8  # fraction of GPU memory; the rest is for the data set, workspaces and estimation error


def micro_batches(
    samples: int, at_a_time: int, method: Method, part: slice | None = None
) -> list[tuple[slice, float]]:
    """Split a batch, or a rank's part of it, into micro-batches.

    Args:
        samples: size of the whole batch; a size that is not one of the method's means a partial batch.
        at_a_time: samples per micro-batch, a multiple of the ghost size.
        method: provides batch sizes and ghost size.
        part: slice of whole ghosts to split; the whole batch if None. Without ghosts, an empty part yields
            one empty micro-batch.

    Returns:
        For each micro-batch, its slice of the batch and the weight of each of its samples in the mean loss.
    """
    part = part or slice(0, samples)
    if not is_regular(samples, method):
        # As in the released code, all ghosts of a partial batch get the same weight
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
    """Choose the number of samples per micro-batch on a rank: runtime.micro_batch, or what suits the device.

    The choice is made for the largest batch; a smaller batch may be a single micro-batch. With ghosts it is
    as many as fit into memory on a GPU, one ghost for convolutions on a CPU (so that activations stay in the
    cache), and the whole batch for other networks on a CPU. Without ghosts it is the whole batch.

    Args:
        config: configuration of the run.
        model: network in training mode, on its device.
        shape: shape of one image, (C, H, W).
        device: device to train on.
        ranks: number of ranks that share each batch.
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
    """Find the largest micro-batch of whole ghosts that divides the batch and fits into `capacity` bytes.

    If nothing fits, it is one ghost.
    """
    ghosts = batch // ghost
    sizes = [ghost * k for k in range(ghosts, 0, -1) if ghosts % k == 0]
    return next((s for s in sizes if update_bytes(model, shape, s, bf16, vectors) <= capacity), ghost)


def has_convolutions(model: nn.Module) -> bool:
    """Whether any layer is a 2d convolution."""
    return any(isinstance(m, nn.Conv2d) for m in model.modules())
