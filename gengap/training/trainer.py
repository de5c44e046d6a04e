"""A model in training: the update with all of the paper's methods (section 4), and evaluation."""

import math
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gengap.config.schema import Config
from gengap.data.device_images import DeviceImages
from gengap.data.stream import Stream
from gengap.randomness import Purpose, key
from gengap.regime import Regime
from gengap.training.backward import Backward
from gengap.training.cuda_graph import DeviceStep, GraphedStep
from gengap.training.engine import engine
from gengap.training.flat import Flat
from gengap.training.objective import Evaluation, evaluate, misclassified
from gengap.training.optimizer import optimizer
from gengap.training.photographs import agreed
from gengap.training.ranks import ALONE, Ranks
from gengap.training.saved_tensors import copy_saved_
from gengap.training.sgd import clip_
from gengap.training.team import Team
from gengap.training.unfinished import undoing


class Trainer:
    """A model in training: weights, optimizer, running sums, and the update that changes them.

    Args:
        config: configuration of the run.
        model: network in training mode, on its device.
        train: training set, on the same device as the model.
        stream: samples of each update; with several ranks, those of this rank.
        regime: training schedule.
        ranks: ranks that train together.
    """

    def __init__(
        self,
        config: Config,
        model: nn.Module,
        train: DeviceImages,
        stream: Stream,
        regime: Regime,
        ranks: Ranks = ALONE,
    ) -> None:
        self.config, self.model, self.regime, self.ranks = config, model, regime, ranks
        self.train, self.stream = train, stream
        self._batches, self._next = train.batches(stream, 0), 0
        self._device = train.labels.device
        self.flat = Flat(model)
        self.initial = self.flat.weights.clone()
        self.optimizer = optimizer(config, self.flat.weights)
        # In conservative training, the weights at the start of the update
        self._center = torch.empty_like(self.flat.weights) if config.method.proximal else None
        # Running totals over all updates: mean loss, error rate, gradient norm, and whether it was clipped
        self.totals = torch.zeros(4, dtype=torch.float64, device=self._device)
        # A tensor, because a captured step can't read a new float; float32, as torch's optimizers need on a
        # GPU
        self._lr = self.flat.weights.new_zeros(
            (), dtype=torch.float32 if self._device.type == "cuda" else None
        )
        self._lr_value = 0.0
        self.bf16 = config.precision == "bf16"
        self._team = Team(config, model, train.shape, self.flat, ranks, self._device)
        self.micro_batch = self._team.micro_batch
        self.engine = engine(config, model, regime, self._device, ranks.size)
        self._samples = 0  # size of the update's whole batch
        self._backward = Backward(config, model, train, self.flat, self._team, compile=self.engine.compiled)
        self._step: DeviceStep = self._device_step
        if self.engine.graph:
            self._step = GraphedStep(self._device_step, self.changed_by_step)

    def train_step(self, update: int) -> None:
        """Make one update (counted from 0); on a GPU it may still be running when this returns.

        Raises:
            MachineError: no batch could be loaded, or a rank was lost; the state is that before the update.
        """
        config, regime = self.config, self.regime
        batch = self._batch(update)
        self._samples = regime.batches.samples(update + 1) - regime.batches.samples(update)
        noise = self._gradient_noise(update, self._samples)
        self._seed_network(update)
        resets = config.protocol.reset_momentum and regime.starts_epoch(update)
        if regime.lr_at(update) != self._lr_value:
            self._lr_value = regime.lr_at(update)
            self._lr.fill_(self._lr_value)
        with undoing(self._changed_early(resets)):
            for tensor in self.optimizer.state.values() if resets else ():
                tensor.zero_()
            self._step(regime.weight_decay_at(update), batch if noise is None else (*batch, noise))

    def _changed_early(self, resets: bool) -> Iterable[Tensor]:
        """Tensors that an update changes before its last exchange with other ranks, which may fail."""
        if self.ranks.size == 1:
            return ()
        takes_one_step = self._center is None and not resets
        return self.model.buffers() if takes_one_step else self.changed_by_step()

    def _device_step(self, weight_decay: float, inputs: tuple[Tensor, ...]) -> None:
        """Do the work on the device, without synchronization: gradient, clipping, step, running sums.

        Conservative training (Keskar et al. 2017) takes several steps on the batch to reduce loss +
        proximal / 2 |w - center|^2; the running sums are those of the first step, where w is the center.
        """
        method, clip_norm = self.config.method, self.config.method.clip_norm
        if self._center is not None:
            self._center.copy_(self.flat.weights)
        for step in range(1 if self._center is None else method.proximal_steps):
            loss, errors = self._backward(self._samples, inputs)
            if step and self._center is not None:
                self.flat.gradient.add_(self.flat.weights - self._center, alpha=method.proximal)
            norm = clip_(self.flat.gradient, clip_norm)
            self.optimizer.step(self.flat.weights, self.flat.gradient, self._lr, weight_decay)
            if not step:
                clipped = norm > (math.inf if clip_norm is None else clip_norm)
                self.totals += torch.stack([loss, errors, norm, clipped.to(norm.dtype)])

    def _batch(self, update: int) -> tuple[Tensor, ...]:
        """Get the tensors of an update's batch; later batches may already be prefetched."""
        if update != self._next:
            self.close()
            self._batches = self.train.batches(self.stream, update)
        self._next = update + 1
        return agreed(self.ranks, self.train, partial(next, self._batches))

    def _seed_network(self, update: int) -> None:
        """Make the network's random numbers (dropout) a function of (seed, update)."""
        seed = key(self.config.seed, Purpose.DROPOUT, update)
        if self._device.type == "cuda":
            torch.cuda.manual_seed(seed)
        else:  # torch.manual_seed would also seed every GPU, which takes longer
            torch.default_generator.manual_seed(seed)

    def wait(self) -> None:
        """Wait until the device has finished all updates made so far."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def close(self) -> None:
        """Stop prefetching batches."""
        self._batches.close()

    def _gradient_noise(self, update: int, batch_size: int) -> Tensor | None:
        """Draw factors z_n ~ N(1, σ²) for the losses, and hence gradients, of this process's samples.

        They are its share of the factors drawn for the whole batch (B,); see the paper, section 4.
        """
        variance = self.config.method.gradient_noise
        if not variance:
            return None
        generator = torch.Generator().manual_seed(key(self.config.seed, Purpose.NOISE, update))
        noise = 1 + math.sqrt(variance) * torch.randn(batch_size, generator=generator)
        return noise[self._team.share(batch_size)].to(self._device)

    def evaluate(self, images: DeviceImages) -> Evaluation:
        """Compute mean loss and error rates in evaluation mode, without augmentation."""
        return evaluate(self.model, images, self.flat.weights.dtype, self.ranks, bf16=self.bf16)

    def misclassified(self, images: DeviceImages) -> NDArray[np.bool_]:
        """Find which images (N,) the network misclassifies in evaluation mode, without augmentation."""
        return misclassified(self.model, images, self.ranks, bf16=self.bf16)

    def state_dict(self) -> dict[str, Any]:
        """Everything that updates change: weights, optimizer, running sums and the model's buffers."""
        return {
            "weights": self.flat.weights,
            **self.optimizer.state,
            "totals": self.totals,
            "buffers": dict(self.model.named_buffers()),
        }

    def changed_by_step(self) -> list[Tensor]:
        """Tensors of `state_dict`, all of which a step may change."""
        return [self.flat.weights, *self.optimizer.state.values(), self.totals, *self.model.buffers()]

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state from a `state_dict`.

        Raises:
            RuntimeError, KeyError, TypeError: it belongs to another network.
        """
        tensors = {"weights": self.flat.weights, **self.optimizer.state, "totals": self.totals}
        pairs = [(tensor, state[name]) for name, tensor in tensors.items()]
        buffers = dict(state["buffers"])
        pairs += [(buffer, buffers[name]) for name, buffer in self.model.named_buffers()]
        copy_saved_(pairs)
