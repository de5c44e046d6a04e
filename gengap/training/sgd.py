"""Gradient clipping and momentum SGD on flat vectors (paper, section 4)."""

import torch
from torch import Tensor
from torch.optim.sgd import sgd


@torch.no_grad()
def clip_(gradient: Tensor, max_norm: float | None) -> Tensor:
    """Clip the gradient (P,) in place to an L2 norm of at most max_norm; return the norm before clipping.

    The scale is that of torch.nn.utils.clip_grad_norm_, max_norm / (norm + 1e-6), computed without GPU
    synchronization: only on a CPU is the scale compared with 1, to skip the multiplication.
    """
    norm: Tensor = torch.linalg.vector_norm(gradient)
    if max_norm is not None:
        scale = (max_norm / (norm + 1e-6)).clamp(max=1.0)
        if not (scale.is_cpu and scale == 1):
            gradient.mul_(scale)
    return norm


@torch.no_grad()
def step_(
    weights: Tensor, gradient: Tensor, velocity: Tensor, lr: Tensor, weight_decay: float, momentum: float
) -> None:
    """Make one step in place: v <- momentum v + g + weight_decay w;  w <- w - lr v, each of shape (P,).

    Uses torch's fused SGD, which reads and writes each vector only once.
    """
    sgd(
        [weights],
        [gradient],
        [velocity],
        fused=True,
        weight_decay=weight_decay,
        momentum=momentum,
        lr=lr,
        dampening=0,
        nesterov=False,
        maximize=False,
    )
