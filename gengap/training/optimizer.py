"""The optimizer of a run, selected by `workload.optimizer`: its state, and its step on flat vectors."""

from typing import Protocol

import torch
from torch import Tensor

from gengap.config.schema import Config
from gengap.training.adam import adam_step_
from gengap.training.sgd import step_

MOMENTS = {"sgd": 1, "adam": 2}  # number of weight-sized vectors that the optimizer keeps


class Optimizer(Protocol):
    """Updates weights (P,) using a gradient (P,)."""

    state: dict[str, Tensor]  # initially all zeros; keyed by the names used in checkpoints

    def step(self, weights: Tensor, gradient: Tensor, lr: Tensor, weight_decay: float) -> None:
        """Make one step, in place and without synchronization."""


class Sgd:
    """SGD with momentum."""

    def __init__(self, weights: Tensor, momentum: float) -> None:
        self.state = {"velocity": torch.zeros_like(weights)}
        self._momentum = momentum

    def step(self, weights: Tensor, gradient: Tensor, lr: Tensor, weight_decay: float) -> None:
        """Make one step, in place and without synchronization."""
        step_(weights, gradient, self.state["velocity"], lr, weight_decay, self._momentum)


class Adam:
    """ADAM."""

    def __init__(self, weights: Tensor, betas: list[float], eps: float) -> None:
        moments = {name: torch.zeros_like(weights) for name in ("first_moment", "second_moment")}
        # Steps are float32 even if the weights are float64, because torch's fused kernel reads float32
        self.state = moments | {"steps": torch.zeros((), dtype=torch.float32, device=weights.device)}
        self._betas, self._eps = betas, eps

    def step(self, weights: Tensor, gradient: Tensor, lr: Tensor, weight_decay: float) -> None:
        """Make one step, in place and without synchronization."""
        mean, square, steps = self.state.values()
        adam_step_(weights, gradient, mean, square, steps, lr, weight_decay, self._betas, self._eps)


def optimizer(config: Config, weights: Tensor) -> Optimizer:
    """Create the run's optimizer for these weights (P,), before its first step."""
    workload = config.workload
    if workload.optimizer == "adam":
        return Adam(weights, workload.adam_betas, workload.adam_eps)
    return Sgd(weights, config.protocol.momentum)
