"""The objective: cross-entropy, per sample for training and over a whole data set for evaluation."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from gengap.data.device_images import DeviceImages
from gengap.training.photographs import agreed
from gengap.training.ranks import ALONE, Ranks

EVALUATION_BATCH = 1000


class Evaluation(NamedTuple):
    """Mean loss over a data set, and error rates in percent.

    top5_error is the rate at which the label is not among the 5 largest logits; None unless images are files.
    """

    loss: float
    error: float
    top5_error: float | None


def sample_losses(
    model: nn.Module, images: Tensor, labels: Tensor, dtype: torch.dtype, *, bf16: bool
) -> tuple[Tensor, Tensor]:
    """Compute the loss of each sample (B,) in `dtype`, and whether it is misclassified (B,).

    Args:
        model: network that maps images to logits (B, num_classes).
        images: normalized images (B, C, H, W).
        labels: class indices (B,), int64.
        dtype: dtype of the loss, the same as the weights'.
        bf16: whether the forward pass is autocast to bfloat16.
    """
    with torch.autocast(images.device.type, torch.bfloat16, enabled=bf16):
        logits = model(images)
    losses = F.cross_entropy(logits.to(dtype), labels, reduction="none")
    return losses, logits.detach().argmax(1) != labels


@torch.no_grad()
def evaluate(
    model: nn.Module, images: DeviceImages, dtype: torch.dtype, ranks: Ranks = ALONE, *, bf16: bool
) -> Evaluation:
    """Compute mean loss and error rates in evaluation mode, without augmentation.

    Arguments are as in `sample_losses`; the model is left in training mode. Each rank evaluates part of the
    images, and every image is evaluated exactly once.
    """
    sums = agreed(ranks, images, lambda: _sums(model, images, dtype, ranks, bf16=bf16))
    ranks.sum_(sums)
    loss, errors, top5_errors = sums.tolist()
    samples = len(images)
    top5_error = 100 * top5_errors / samples if images.from_files else None
    return Evaluation(loss / samples, 100 * errors / samples, top5_error)


def _sums(model: nn.Module, images: DeviceImages, dtype: torch.dtype, ranks: Ranks, *, bf16: bool) -> Tensor:
    """Sum loss, errors and top-5 errors (3,) over this rank's part of the images."""
    device = images.labels.device
    loss = torch.zeros((), dtype=torch.float64, device=device)
    errors, top5_errors = torch.zeros(2, dtype=torch.int64, device=device)
    for logits, labels in _outputs(model, images, ranks, bf16=bf16):
        loss += F.cross_entropy(logits.to(dtype), labels, reduction="sum")
        errors += (logits.argmax(1) != labels).sum()
        if images.from_files:
            largest = logits.topk(min(5, logits.shape[1])).indices
            top5_errors += (largest != labels[:, None]).all(1).sum()
    return torch.stack([loss, errors.double(), top5_errors.double()])


@torch.no_grad()
def misclassified(
    model: nn.Module, images: DeviceImages, ranks: Ranks = ALONE, *, bf16: bool
) -> NDArray[np.bool_]:
    """Find which images (N,) a network misclassifies in evaluation mode; arguments are as in `evaluate`."""
    wrong = torch.zeros(len(images), dtype=torch.int32, device=images.labels.device)
    outputs = _outputs(model, images, ranks, bf16=bf16)
    found = agreed(ranks, images, lambda: [logits.argmax(1) != labels for logits, labels in outputs])
    if found:
        wrong[ranks.block(len(images))] = torch.cat(found).int()
    ranks.sum_(wrong)
    return wrong.bool().cpu().numpy()


def _outputs(
    model: nn.Module, images: DeviceImages, ranks: Ranks, *, bf16: bool
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield logits and labels of this rank's part of the images, batch by batch."""
    model.eval()
    for batch, labels in images.evaluation_batches(EVALUATION_BATCH, ranks.block(len(images))):
        with torch.autocast(batch.device.type, torch.bfloat16, enabled=bf16):
            logits = model(batch)
        yield logits, labels
    model.train()
