"""Distance from the initial weights (paper, section 3: ‖w_t − w_0‖ ~ log t), and when to record it."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def recorded_updates(updates: int, rows: int = 60) -> tuple[int, ...]:
    """Choose at most `rows` distinct updates t, evenly spaced in log t from 1 to `updates`."""
    if updates < 1:
        return ()
    spaced = np.geomspace(1, updates, rows)
    return tuple(sorted({int(t) for t in np.round(spaced)}))


def distance(weights: Tensor, initial: Tensor) -> float:
    """Euclidean distance ‖w_t − w_0‖ between two weight vectors (P,), accumulated in float64."""
    return float(torch.linalg.vector_norm(weights - initial, dtype=torch.float64))


def tensor_distances(weights: Tensor, initial: Tensor, sizes: Sequence[int]) -> list[float]:
    """Euclidean distance of each parameter tensor from its initial value.

    Args:
        weights, initial: flat weight vectors (P,), as in training.flat.Flat.
        sizes: number of elements of each tensor, P in total.
    """
    parts = (weights - initial).split(list(sizes))
    return torch.stack([torch.linalg.vector_norm(p, dtype=torch.float64) for p in parts]).tolist()
