"""A model in training: the update of the paper's methods section, and the measurement between updates."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gengap.data.placed import Placed
from gengap.data.stream import Stream
from gengap.flat import Flat
from gengap.randomness import Purpose, key
from gengap.regime import Regime
from gengap.schema import Config
from gengap.sgd import clip_, step_

EVALUATION_BATCH = 1000


class Trainer:
    """A model in training: weights, velocity, running sums, and the update that changes them."""

    def __init__(
        self, config: Config, model: nn.Module, train: Placed, stream: Stream, regime: Regime
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
        self.bf16 = config.precision == "bf16"
        at_once = config.runtime.micro_batch or _fastest_micro_batch(config, model, self._device)
        self.samples_at_a_time = min(at_once or stream.batch_size, stream.batch_size)
        self.image_shape = train.shape
        self._has_dropout = any(isinstance(m, nn.modules.dropout._DropoutNd) for m in model.modules())

    def update(self, update: int) -> None:
        """One optimizer step on the batch of this update (counted from 0)."""
        config, method = self.config, self.config.method
        images, labels = self._batch(update)
        noise = self._gradient_noise(update, len(labels))
        if self._has_dropout:
            torch.manual_seed(key(config.seed, Purpose.DROPOUT, update))
        if config.protocol.reset_momentum and self.regime.starts_epoch(update):
            self.velocity.zero_()

        self.flat.gradient.zero_()
        loss, errors = self._backward(images, labels, noise)
        norm = clip_(self.flat.gradient, method.clip_norm)
        lr = self.velocity.new_tensor(self.regime.lr_at(update))
        step_(
            self.flat.weights,
            self.flat.gradient,
            self.velocity,
            lr,
            self.regime.weight_decay_at(update),
            config.protocol.momentum,
        )
        clipped = norm > (math.inf if method.clip_norm is None else method.clip_norm)
        self.totals += torch.stack([loss, errors, norm, clipped.to(norm.dtype)])

    def _batch(self, update: int) -> tuple[Tensor, Tensor]:
        """The images and labels of an update; those of the updates after it may be on their way already."""
        if update != self._next:
            self.close()
            self._batches = self._train.batches(self.stream, update)
        self._next = update + 1
        return next(self._batches)

    def close(self) -> None:
        """Stop preparing further batches."""
        self._batches.close()

    def _backward(self, images: Tensor, labels: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor]:
        """Add the gradient of the batch's mean loss; return that loss and the share of errors.

        Whole ghosts are summed up one micro-batch after another: only batch norm couples samples.
        """
        loss, errors = self.velocity.new_zeros(2).unbind()
        for part, weight in self.parts(len(labels)):
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self.bf16):
                logits = self.model(images[part])
            losses = F.cross_entropy(logits.to(self.flat.weights.dtype), labels[part], reduction="none")
            weighted = losses if noise is None else losses * noise[part]
            (weighted.sum() * weight).backward()
            loss += losses.detach().sum() * weight
            errors += (logits.detach().argmax(1) != labels[part]).sum() / len(labels)
        return loss, errors

    def parts(self, samples: int) -> list[tuple[slice, float]]:
        """The batch in parts that are run one after another, each with the weight of its samples."""
        method = self.config.method
        size = self.samples_at_a_time
        if method.ghost_size is None or samples == method.batch_size:
            starts = range(0, samples, size)
            return [(slice(s, s + size), 1 / samples) for s in starts]
        # The released code's ghosts of a partial batch: torch.chunk's pieces, equally weighted
        ghosts = torch.arange(samples).chunk(max(1, method.batch_size // method.ghost_size))
        return [(slice(int(g[0]), int(g[-1]) + 1), 1 / (len(ghosts) * len(g))) for g in ghosts]

    def _gradient_noise(self, update: int, batch_size: int) -> Tensor | None:
        """z_n ~ N(1, σ²) on every sample's gradient, by way of its loss (section 4)."""
        variance = self.config.method.gradient_noise
        if not variance:
            return None
        generator = torch.Generator().manual_seed(key(self.config.seed, Purpose.NOISE, update))
        noise = 1 + math.sqrt(variance) * torch.randn(batch_size, generator=generator)
        return noise.to(self._device)

    @torch.no_grad()
    def evaluate(self, images: Placed) -> tuple[float, float]:
        """Mean loss and error (%) in evaluation mode, without augmentation."""
        self.model.eval()
        loss = torch.zeros((), dtype=torch.float64, device=self._device)
        errors = torch.zeros((), dtype=torch.int64, device=self._device)
        for batch, labels in images.in_order(EVALUATION_BATCH):
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

    @torch.no_grad()
    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from `state`."""
        self.flat.weights.copy_(state["weights"])
        self.velocity.copy_(state["velocity"])
        self.totals.copy_(state["totals"])
        for name, buffer in self.model.named_buffers():
            buffer.copy_(state["buffers"][name])


def _fastest_micro_batch(config: Config, model: nn.Module, device: torch.device) -> int | None:
    """One ghost at a time where activations then stay in the cache (convolutions on a CPU), else all."""
    has_convolutions = any(isinstance(m, nn.Conv2d) for m in model.modules())
    return config.method.ghost_size if device.type == "cpu" and has_convolutions else None
