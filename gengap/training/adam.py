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
    """One step in place, with weights, gradient and both moments of shape (P,).

    t <- t + 1;  g <- g + weight_decay w;  m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;
    w <- w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps).

    This is torch's fused ADAM, which reads and writes each vector once.

    Args:
        weights, gradient: of all parameters.
        mean: m, the first moment.
        square: v, the second moment.
        steps: t, the steps so far, 0-dimensional and in float32, where the weights are.
        lr: 0-dimensional.
        weight_decay: factor of the L2 term in the gradient, as in torch.optim.Adam.
        betas: b1 and b2.
        eps: added to the root.
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
