"""How many samples run at a time: only batch norm couples them, so whole ghosts can run in turn."""

import torch
from torch import nn

from gengap.config.schema import Config, Method
from gengap.training.memory import update_bytes

USABLE = 0.8  # of a GPU's memory: the rest is the data set, workspaces and what the estimate leaves out


def micro_batches(samples: int, at_a_time: int, method: Method) -> list[tuple[slice, float]]:
    """A batch in micro-batches, each with the weight that one sample's loss has in the update.

    Args:
        samples: of the batch.
        at_a_time: samples per micro-batch, whole ghosts.
        method: says what a ghost is, and whether the batch is a whole one.
    """
    if method.ghost_size is None or samples == method.batch_size:
        return [(slice(s, s + at_a_time), 1 / samples) for s in range(0, samples, at_a_time)]
    # The released code's ghosts of a partial batch: torch.chunk's pieces, equally weighted
    ghosts = torch.arange(samples).chunk(max(1, method.batch_size // method.ghost_size))
    return [(slice(int(g[0]), int(g[-1]) + 1), 1 / (len(ghosts) * len(g))) for g in ghosts]


def micro_batch_size(
    config: Config, model: nn.Module, shape: tuple[int, int, int], device: torch.device
) -> int:
    """runtime.micro_batch, or what suits the device.

    With ghosts that is one ghost for convolutions on a CPU, whose activations then stay in the cache, and
    on a GPU as many as its memory holds. Without ghosts it is the whole batch.
    """
    method = config.method
    batch, ghost = method.batch_size, method.ghost_size
    if config.runtime.micro_batch is not None:
        return min(config.runtime.micro_batch, batch)
    if ghost is None or ghost >= batch:
        return batch
    if device.type == "cuda":
        capacity = torch.cuda.get_device_properties(device).total_memory
        return most_that_fit(model, shape, batch, ghost, config.precision == "bf16", USABLE * capacity)
    return ghost if has_convolutions(model) else batch


def most_that_fit(
    model: nn.Module, shape: tuple[int, int, int], batch: int, ghost: int, bf16: bool, capacity: float
) -> int:
    """The most samples, whole ghosts that divide the batch, whose update needs no more than `capacity` bytes.

    One ghost where even that needs more.
    """
    ghosts = batch // ghost
    sizes = [ghost * k for k in range(ghosts, 0, -1) if ghosts % k == 0]
    return next((s for s in sizes if update_bytes(model, shape, s, bf16) <= capacity), ghost)


def has_convolutions(model: nn.Module) -> bool:
    """Whether any layer is a two-dimensional convolution."""
    return any(isinstance(m, nn.Conv2d) for m in model.modules())
