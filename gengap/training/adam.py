"""ADAM on flat vectors (Kingma & Ba 2015), the optimizer of Keskar et al. 2017."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim.adam import adam


@torch.no_grad()
def adam_step_(
    weights: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    steps: Tensor,
    lr: Tensor,
    weight_decay: float,
    betas: Sequence[float],
    eps: float,
) -> None:
    """Make one step in place; weights, gradient and both moments have shape (P,).

    t <- t + 1;  g <- g + weight_decay w;  m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;
    w <- w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps).

    Uses torch's fused ADAM, which reads and writes each vector only once.

    Args:
        weights, gradient: weights w and gradient g of all parameters.
        mean: first moment m.
        square: second moment v.
        steps: number of steps so far, t; a float32 scalar tensor on the weights' device.
        lr: learning rate, a scalar tensor.
        weight_decay: coefficient of the L2 term in the gradient, as in torch.optim.Adam.
        betas: b1 and b2.
        eps: added to the square root in the denominator.
    """
    beta1, beta2 = betas
    adam(
        [weights],
        [gradient],
        [mean],
        [square],
        [],
        [steps],
        fused=True,
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        lr=lr,
        weight_decay=weight_decay,
        amsgrad=False,
        maximize=False,
    )
