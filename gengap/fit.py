"""The training loop: updates, evaluations, checkpoints. Its only clock is the update."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gengap.checkpoint import load_checkpoint, save_checkpoint
from gengap.config import Config
from gengap.data.resident import Resident
from gengap.data.stream import Stream
from gengap.flat import Flat
from gengap.progress import Progress
from gengap.randomness import Purpose, key
from gengap.regime import Regime
from gengap.runs import Run
from gengap.sgd import clip_, step_
from gengap.walk import distance, recorded_updates, tensor_distances

EVALUATION_BATCH = 1000


class Diverged(Exception):
    """The loss is no longer finite."""


class Trainer:
    """A model in training: weights, velocity, running sums, and the update that changes them."""

    def __init__(
        self, config: Config, model: nn.Module, train: Resident, stream: Stream, regime: Regime
    ) -> None:
        self.config, self.model, self.regime = config, model, regime
        self._train, self.stream = train, stream
        self._device = train.labels.device
        self.flat = Flat(model)
        self.initial = self.flat.weights.clone()
        self.velocity = torch.zeros_like(self.flat.weights)
        # Sums over all updates so far: mean loss, share of errors, gradient norm, clipped or not
        self.totals = torch.zeros(4, dtype=torch.float64, device=self._device)
        self._bf16 = config.precision == "bf16"
        self._has_dropout = any(isinstance(m, nn.modules.dropout._DropoutNd) for m in model.modules())

    def update(self, update: int) -> None:
        """One optimizer step on the batch of this update (counted from 0)."""
        config, method = self.config, self.config.method
        images, labels = self._train.batch(self.stream.batch(update))
        noise = self._gradient_noise(update, len(labels))
        if self._has_dropout:
            torch.manual_seed(key(config.seed, Purpose.DROPOUT, update))
        if config.protocol.reset_momentum and self.regime.starts_epoch(update):
            self.velocity.zero_()

        self.flat.gradient.zero_()
        loss, errors = self._backward(images, labels, noise)
        norm = clip_(self.flat.gradient, method.clip_norm)
        lr = torch.tensor(self.regime.lr_at(update), device=self._device)
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

    def _backward(self, images: Tensor, labels: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor]:
        """Add the gradient of the batch's mean loss; return that loss and the share of errors.

        Whole ghosts are summed up one micro-batch after another: only batch norm couples samples.
        """
        loss, errors = torch.zeros((), device=self._device), torch.zeros((), device=self._device)
        for part, weight in self._parts(len(labels)):
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
                logits = self.model(images[part])
            losses = F.cross_entropy(logits.float(), labels[part], reduction="none")
            weighted = losses if noise is None else losses * noise[part]
            (weighted.sum() * weight).backward()
            loss += losses.detach().sum() * weight
            errors += (logits.detach().argmax(1) != labels[part]).sum() / len(labels)
        return loss, errors

    def _parts(self, samples: int) -> list[tuple[slice, float]]:
        """The batch in parts that are run one after another, each with the weight of its samples."""
        method = self.config.method
        size = self.config.runtime.micro_batch or samples
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
    def evaluate(self, images: Resident) -> tuple[float, float]:
        """Mean loss and error (%) in evaluation mode, without augmentation."""
        self.model.eval()
        loss = torch.zeros((), dtype=torch.float64, device=self._device)
        errors = torch.zeros((), dtype=torch.int64, device=self._device)
        for batch, labels in images.in_order(EVALUATION_BATCH):
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
                logits = self.model(batch)
            loss += F.cross_entropy(logits.float(), labels, reduction="sum")
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


@dataclass
class Marks:
    """What the next row's means start from, as (updates, running sums)."""

    row: tuple[int, list[float]] = (0, [0.0] * 4)
    evaluation: tuple[int, list[float]] = (0, [0.0] * 4)


def fit(
    run: Run,
    trainer: Trainer,
    validation: Resident,
    progress: Progress,
    stop_reason: Callable[[], str | None],
) -> str | None:
    """Train from the run's checkpoint, or from the start, to the end of the regime.

    Returns:
        None when the regime is complete, otherwise the reason to stop; the run is then saved.

    Raises:
        Diverged: the loss is not finite.
    """
    regime = trainer.regime
    evaluations, recorded = set(regime.evaluations), set(recorded_updates(regime.updates))
    done, seconds, marks = _restore(run, trainer)
    progress.start(done)
    started = saved = time.monotonic()
    for update in range(done, regime.updates):
        trainer.update(update)
        done = update + 1
        progress.advance(done)
        if done in evaluations or done in recorded:
            row = _row(trainer, validation, marks, done, done in evaluations, done in recorded)
            run.append_metrics(row | {"seconds": round(seconds + time.monotonic() - started, 3)})
            progress.show(row)
            _check_finite(row)
        reason = stop_reason()
        if reason or time.monotonic() - saved > trainer.config.runtime.checkpoint_seconds:
            saved = time.monotonic()
            _save(run, trainer, marks, done, seconds + saved - started)
        if reason:
            return reason
    _save(run, trainer, marks, done, seconds + time.monotonic() - started)
    return None


def _row(
    trainer: Trainer, validation: Resident, marks: Marks, done: int, is_evaluation: bool, is_recorded: bool
) -> dict[str, Any]:
    """One line of metrics: gradient means since the last row, training means since the last evaluation."""
    regime, totals = trainer.regime, trainer.totals.tolist()
    _, _, gradient_norm, clipped = _means(marks.row, done, totals)
    row: dict[str, Any] = {
        "update": done,
        "epoch": _digits(float(done / regime.updates_per_epoch)),
        "lr": _digits(regime.lr_at(done - 1)),
        "distance": _digits(distance(trainer.flat.weights, trainer.initial)),
        "gradient_norm": _digits(gradient_norm),
        "clipped": _digits(clipped),
    }
    marks.row = (done, totals)
    if is_recorded:
        distances = tensor_distances(trainer.flat.weights, trainer.initial, trainer.flat.sizes)
        row["tensor_distances"] = [_digits(d, 5) for d in distances]
    if is_evaluation:
        train_loss, train_error, *_ = _means(marks.evaluation, done, totals)
        val_loss, val_error = trainer.evaluate(validation)
        row |= {
            "train_loss": _digits(train_loss),
            "train_error": _digits(100 * train_error),
            "val_loss": _digits(val_loss),
            "val_error": _digits(val_error),
        }
        marks.evaluation = (done, totals)
    return row


def _means(since: tuple[int, list[float]], done: int, totals: list[float]) -> list[float]:
    before, sums = since
    return [(now - then) / (done - before) for now, then in zip(totals, sums, strict=True)]


def _digits(value: float, significant: int = 6) -> float:
    """Shortened, so that the records stay small."""
    return float(f"{value:.{significant}g}")


def _check_finite(row: dict[str, Any]) -> None:
    # A non-finite loss makes the weights, and with them the distance, non-finite at the same update
    measured = [row["distance"], row["gradient_norm"], row.get("train_loss", 0.0)]
    if not all(math.isfinite(x) for x in measured):
        raise Diverged(f"the loss is not finite after {row['update']} updates (lr {row['lr']})")


def _save(run: Run, trainer: Trainer, marks: Marks, done: int, seconds: float) -> None:
    state = trainer.state() | {"marks": asdict(marks), "done": done, "seconds": seconds}
    save_checkpoint(run.directory, state | {"metrics_bytes": run.sync_metrics()})


def _restore(run: Run, trainer: Trainer) -> tuple[int, float, Marks]:
    """Updates done, training seconds and marks of the newest whole checkpoint; metrics rows after it are dropped."""
    state = load_checkpoint(run.directory)
    if state is None:
        run.truncate_metrics(0)
        return 0, 0.0, Marks()
    trainer.load_state(state)
    run.truncate_metrics(state["metrics_bytes"])
    return state["done"], state["seconds"], Marks(**state["marks"])
