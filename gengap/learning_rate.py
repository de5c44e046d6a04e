"""Learning-rate scaling rules: from a small batch's learning rate to a large batch's (paper, section 4)."""

from collections.abc import Callable
from math import sqrt

# Maps each rule to the factor by which the learning rate is scaled, as a function of B_L / B_S
RULES: dict[str, Callable[[float], float]] = {
    "none": lambda ratio: 1.0,
    "sqrt": sqrt,  # eq. 7: preserves the covariance of the update noise
    "linear": lambda ratio: ratio,  # Goyal et al. 2017
}


def scaled_lr(lr: float, batch_size: int, base_batch: int, rule: str) -> float:
    """Scale a learning rate from `base_batch` to `batch_size` samples per update.

    Args:
        lr: learning rate at `base_batch`.
        batch_size: samples per update, the paper's |B_L|.
        base_batch: samples per update that `lr` is meant for, the paper's |B_S|.
        rule: a key of RULES.

    Raises:
        KeyError: there is no such rule.
    """
    return lr * RULES[rule](batch_size / base_batch)
