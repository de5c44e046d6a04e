"""The objective: cross-entropy, per sample for training, over a whole data set for evaluation."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gengap.data.device_images import DeviceImages

EVALUATION_BATCH = 1000


def sample_losses(
    model: nn.Module, images: Tensor, labels: Tensor, dtype: torch.dtype, *, bf16: bool
) -> tuple[Tensor, Tensor]:
    """The loss of each sample (B,), computed in `dtype`, and whether it is misclassified (B,).

    Args:
        model: maps images to logits (B, num_classes).
        images: (B, C, H, W), normalized.
        labels: (B,) int64.
        dtype: of the loss, that of the weights.
        bf16: whether the forward pass is autocast to bfloat16.
    """
    with torch.autocast(images.device.type, torch.bfloat16, enabled=bf16):
        logits = model(images)
    losses = F.cross_entropy(logits.to(dtype), labels, reduction="none")
    return losses, logits.detach().argmax(1) != labels


@torch.no_grad()
def evaluate(
    model: nn.Module, images: DeviceImages, dtype: torch.dtype, *, bf16: bool
) -> tuple[float, float]:
    """Mean loss and error (%) in evaluation mode, without augmentation.

    Arguments are those of `sample_losses`; the model is left in training mode.
    """
    model.eval()
    device = images.labels.device
    loss = torch.zeros((), dtype=torch.float64, device=device)
    errors = torch.zeros((), dtype=torch.int64, device=device)
    for batch, labels in images.evaluation_batches(EVALUATION_BATCH):
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            logits = model(batch)
        loss += F.cross_entropy(logits.to(dtype), labels, reduction="sum")
        errors += (logits.argmax(1) != labels).sum()
    model.train()
    return float(loss) / len(images), 100 * float(errors) / len(images)
