"""The layers: torch's batch norm, applied to ghost batches in training."""

from torch import nn

from .base import GhostBatchNorm


class GhostBatchNorm1d(GhostBatchNorm, nn.BatchNorm1d):
    """Ghost batch norm for (B, C) or (B, C, L): torch.nn.BatchNorm1d with `ghost_size` as second argument.

    A subclass of torch.nn.BatchNorm1d with the same state_dict, in which num_batches_tracked counts ghost
    batches. A training batch of at most `ghost_size` samples forms a single ghost batch. A larger one must be
    a multiple of `ghost_size`: a smaller last ghost batch would have noisier statistics, and no samples are
    silently dropped. Pass drop_last=True to the DataLoader, or choose partial="chunks". Ghost batches are
    consecutive samples of the batch, so shuffle the data.

    Args:
        num_features: number of channels C.
        ghost_size: samples per ghost batch, the paper's |B_S|.
        eps, momentum, affine, track_running_stats, device, dtype, bias: as in torch.nn.BatchNorm1d.
        partial: what to do in training with a batch of B samples that is larger than `ghost_size` and not a
            multiple of it. "error" raises an error. "chunks" splits it as torch.chunk(batch, ceil(B /
            ghost_size)) does, into ghost batches of ceil(B / ceil(B / ghost_size)) samples, the last holding
            the remainder. Each is normalized with its own statistics and has equal weight in the running
            statistics, as if batch norm were called on these chunks in a loop.

    Raises:
        TypeError: ghost_size is not an integer.
        ValueError: ghost_size is below 1, or `partial` is unknown. In forward: the input has the wrong number
            of dimensions; in training, `partial` rejects the batch, or a ghost batch has a single value per
            channel.
    """


class GhostBatchNorm2d(GhostBatchNorm, nn.BatchNorm2d):
    """Ghost batch norm for (B, C, H, W): a torch.nn.BatchNorm2d, otherwise like GhostBatchNorm1d."""


class GhostBatchNorm3d(GhostBatchNorm, nn.BatchNorm3d):
    """Ghost batch norm for (B, C, D, H, W): a torch.nn.BatchNorm3d, otherwise like GhostBatchNorm1d."""
