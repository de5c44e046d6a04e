"""The layers: torch's batch norm, of ghost batches in training."""

from torch import nn

from .base import GhostBatchNorm


class GhostBatchNorm1d(GhostBatchNorm, nn.BatchNorm1d):
    """Ghost batch norm of (B, C) or (B, C, L): torch.nn.BatchNorm1d with `ghost_size` as second argument.

    It is a torch.nn.BatchNorm1d with the same state_dict, in which num_batches_tracked counts ghost batches.
    A training batch of at most `ghost_size` samples is one ghost batch. A larger one must be a multiple of
    `ghost_size`, because a smaller last ghost batch has noisier statistics and none is dropped silently: give
    a DataLoader drop_last=True, or choose partial="chunks". Ghost batches are cut in the batch's order,
    so shuffle.

    Args:
        num_features: number of channels C.
        ghost_size: samples per ghost batch, the paper's |B_S|.
        eps, momentum, affine, track_running_stats, device, dtype, bias: as in torch.nn.BatchNorm1d.
        partial: what to do in training with a batch of B samples that is larger than `ghost_size` and not a
            multiple of it. "error" raises. "chunks" cuts it as torch.chunk(batch, ceil(B / ghost_size)) does,
            into ghost batches of ceil(B / ceil(B / ghost_size)) samples, the last of those that remain. Each
            is normalized by its own statistics and weighs the same in the running ones: a loop of batch norm
            over these chunks.

    Raises:
        TypeError: ghost_size is not an integer.
        ValueError: ghost_size below 1, or an unknown `partial`. In forward: an input of other dimensions; in
            training, a batch that `partial` refuses, or a ghost batch of a single value per channel.
    """


class GhostBatchNorm2d(GhostBatchNorm, nn.BatchNorm2d):
    """Ghost batch norm of (B, C, H, W): a torch.nn.BatchNorm2d, otherwise as GhostBatchNorm1d."""


class GhostBatchNorm3d(GhostBatchNorm, nn.BatchNorm3d):
    """Ghost batch norm of (B, C, D, H, W): a torch.nn.BatchNorm3d, otherwise as GhostBatchNorm1d."""
