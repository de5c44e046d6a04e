"""A model in training: the update of the paper's methods section, and the measurement between updates."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gengap.config.schema import Config
from gengap.data.device_images import DeviceImages
from gengap.data.stream import Stream
from gengap.randomness import Purpose, key
from gengap.regime import Regime
from gengap.training.cuda_graph import Captured, Step
from gengap.training.engine import compiled, engine
from gengap.training.flat import Flat
from gengap.training.micro_batches import parts, samples_at_a_time
from gengap.training.sgd import clip_, step_

EVALUATION_BATCH = 1000


class Trainer:
    """A model in training: weights, velocity, running sums, and the update that changes them."""

    def __init__(
        self, config: Config, model: nn.Module, train: DeviceImages, stream: Stream, regime: Regime
    ) -> None:
        self.config, self.model, self.regime = config, model, regime
        self._train, self.stream = train, stream
        self._batches, self._next = train.batches(stream, 0), 0
        self._device = train.labels.device
        self.flat = Flat(model)
        self.initial = self.flat.weights.clone()
        self.velocity = torch.zeros_like(self.flat.weights)
        # Sums over all updates so far: mean loss, share of errors, gradient norm, clipped or not
        self.totals = torch.zeros(4, dtype=torch.float64, device=self._device)
        self._lr = self.velocity.new_zeros(())
        self._lr_value = 0.0
        self.bf16 = config.precision == "bf16"
        self.image_shape = train.shape
        self.samples_at_a_time = samples_at_a_time(config, model, train.shape, self._device)
        self._has_dropout = any(isinstance(m, nn.modules.dropout._DropoutNd) for m in model.modules())
        self.engine = engine(config, model, regime, self._device)
        self._losses_of = compiled(self._losses) if self.engine.compiled else self._losses
        self._run: Step = Captured(self._step, self._changing) if self.engine.graph else self._step

    def update(self, update: int) -> None:
        """One optimizer step on the batch of this update (counted from 0): what the host says of it."""
        config, regime = self.config, self.regime
        arrived = self._arrived(update)
        noise = self._gradient_noise(update, len(arrived[0]))
        if self._has_dropout:
            torch.manual_seed(key(config.seed, Purpose.DROPOUT, update))
        if config.protocol.reset_momentum and regime.starts_epoch(update):
            self.velocity.zero_()
        if regime.lr_at(update) != self._lr_value:
            self._lr_value = regime.lr_at(update)
            self._lr.fill_(self._lr_value)
        self._run(regime.weight_decay_at(update), arrived if noise is None else (*arrived, noise))

    def _step(self, weight_decay: float, inputs: tuple[Tensor, ...]) -> None:
        """What the device does of it, without the host: gradient, clipping, momentum SGD, running sums."""
        clip_norm = self.config.method.clip_norm
        loss, errors = self._backward(inputs)
        norm = clip_(self.flat.gradient, clip_norm)
        momentum = self.config.protocol.momentum
        step_(self.flat.weights, self.flat.gradient, self.velocity, self._lr, weight_decay, momentum)
        clipped = norm > (math.inf if clip_norm is None else clip_norm)
        self.totals += torch.stack([loss, errors, norm, clipped.to(norm.dtype)])

    def _arrived(self, update: int) -> tuple[Tensor, ...]:
        """What an update is made of; that of the updates after it may be on its way already."""
        if update != self._next:
            self.close()
            self._batches = self._train.batches(self.stream, update)
        self._next = update + 1
        return next(self._batches)

    def wait(self) -> None:
        """Until the device has done the updates asked for."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def close(self) -> None:
        """Stop preparing further batches."""
        self._batches.close()

    def _backward(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """The gradient of the batch's mean loss, into the flat one; return that loss and the share of errors.

        Whole ghosts are summed up one micro-batch after another: only batch norm couples samples.
        """
        loss, errors = self.velocity.new_zeros(2).unbind()
        arrived, noise = (inputs[:-1], inputs[-1]) if self.config.method.gradient_noise else (inputs, None)
        samples = len(arrived[0])
        for part, weight in parts(samples, self.samples_at_a_time, self.config.method):
            images, labels = self._train.preprocess(tuple(t[part] for t in arrived))
            weighted, of_part, wrong = self._losses_of(images, labels, None if noise is None else noise[part])
            gradients = torch.autograd.grad(weighted * weight, self.flat.parameters, allow_unused=True)
            self.flat.collect(gradients, first=part.start == 0)
            loss += of_part * weight
            errors += wrong / samples
        return loss, errors

    def _losses(self, images: Tensor, labels: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Sum of the samples' losses times their noise, the sum without it, and the number of errors."""
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self.bf16):
            logits = self.model(images)
        losses = F.cross_entropy(logits.to(self.flat.weights.dtype), labels, reduction="none")
        weighted = losses if noise is None else losses * noise
        return weighted.sum(), losses.detach().sum(), (logits.detach().argmax(1) != labels).sum()

    def _gradient_noise(self, update: int, batch_size: int) -> Tensor | None:
        """z_n ~ N(1, σ²) on every sample's gradient, by way of its loss (section 4)."""
        variance = self.config.method.gradient_noise
        if not variance:
            return None
        generator = torch.Generator().manual_seed(key(self.config.seed, Purpose.NOISE, update))
        noise = 1 + math.sqrt(variance) * torch.randn(batch_size, generator=generator)
        return noise.to(self._device)

    @torch.no_grad()
    def evaluate(self, images: DeviceImages) -> tuple[float, float]:
        """Mean loss and error (%) in evaluation mode, without augmentation."""
        self.model.eval()
        loss = torch.zeros((), dtype=torch.float64, device=self._device)
        errors = torch.zeros((), dtype=torch.int64, device=self._device)
        for batch, labels in images.evaluation_batches(EVALUATION_BATCH):
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self.bf16):
                logits = self.model(batch)
            loss += F.cross_entropy(logits.to(self.flat.weights.dtype), labels, reduction="sum")
            errors += (logits.argmax(1) != labels).sum()
        self.model.train()
        return float(loss) / len(images), 100 * float(errors) / len(images)

    def state(self) -> dict[str, Any]:
        """Everything that the updates change."""
        return {
            "weights": self.flat.weights,
            "velocity": self.velocity,
            "totals": self.totals,
            "buffers": dict(self.model.named_buffers()),
        }

    def _changing(self) -> list[Tensor]:
        return [self.flat.weights, self.velocity, self.totals, *self.model.buffers()]

    @torch.no_grad()
    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from `state`."""
        self.flat.weights.copy_(state["weights"])
        self.velocity.copy_(state["velocity"])
        self.totals.copy_(state["totals"])
        for name, buffer in self.model.named_buffers():
            buffer.copy_(state["buffers"][name])
