"""The regime: step decay, regime adaptation and warm-up, counted in updates (paper, section 5)."""

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from gengap.config.schema import Config
from gengap.errors import UserError
from gengap.learning_rate import scaled_lr


def exact(value: float) -> Fraction:
    """The fraction that a configured number stands for: 0.3333333333333333 is 1/3."""
    return Fraction(value).limit_denominator(10**6)


@dataclass(frozen=True)
class Regime:
    """A step-decay schedule in updates; an update is an optimizer step, counted from 0.

    lr and weight_decay hold one value per phase; phase k + 1 begins with update milestones[k]. During the
    first `warmup` updates the learning rate rises linearly from `warmup_from` to lr[0].
    """

    updates: int
    milestones: tuple[int, ...]
    lr: tuple[float, ...]
    weight_decay: tuple[float, ...]
    warmup: int
    warmup_from: float
    updates_per_epoch: Fraction
    evaluations: tuple[int, ...]  # evaluate after this many updates

    def phase(self, update: int) -> int:
        """Index of the phase that an update belongs to."""
        return bisect_right(self.milestones, update)

    def lr_at(self, update: int) -> float:
        """Learning rate of an update."""
        rate = self.lr[self.phase(update)]
        if update < self.warmup:
            return self.warmup_from + (rate - self.warmup_from) * (update / self.warmup)
        return rate

    def weight_decay_at(self, update: int) -> float:
        """Weight decay of an update."""
        return self.weight_decay[self.phase(update)]

    def starts_epoch(self, update: int) -> bool:
        """Whether an update is the first to begin in its epoch; batches may span two epochs."""
        return update == 0 or update // self.updates_per_epoch > (update - 1) // self.updates_per_epoch


def updates_per_epoch(dataset_size: int, batch_size: int, keep_partial_batch: bool) -> Fraction:
    """N / B exactly, or rounded up where the partial batch of each epoch is an update of its own."""
    ratio = Fraction(dataset_size, batch_size)
    return Fraction(ceil(ratio)) if keep_partial_batch else ratio


def build_regime(config: Config, dataset_size: int) -> Regime:
    """The schedule of a run on `dataset_size` training samples.

    Regime adaptation (section 5) makes regime_factor * e epochs of every period of e epochs. Epochs become
    updates here and nowhere else, in exact arithmetic: floor(epochs * regime_factor * N / B) with N =
    `dataset_size` and B = method.batch_size. With regime_factor = |B_L| / |B_S| that is the number of updates
    that the small batch makes.
    """
    workload, method = config.workload, config.method
    per_epoch = updates_per_epoch(dataset_size, method.batch_size, config.protocol.keep_partial_batch)
    factor = exact(method.regime_factor)

    def updates(epochs: float) -> int:
        return int(exact(epochs) * factor * per_epoch)

    rates = tuple(scaled_lr(r, method.batch_size, method.lr_base_batch, method.lr_rule) for r in workload.lr)
    decay = workload.weight_decay * (1 if len(workload.weight_decay) > 1 else len(rates))
    total = updates(workload.epochs)
    return Regime(
        updates=total,
        milestones=tuple(updates(m) for m in workload.milestones),
        lr=rates,
        weight_decay=tuple(decay),
        warmup=updates(method.warmup_epochs),
        warmup_from=workload.lr[0],
        updates_per_epoch=per_epoch,
        evaluations=_evenly_spaced(total, config.evaluations or min(ceil(workload.epochs), 200)),
    )


def check_updates(config: Config, samples: int) -> None:
    """Check that a run on so many training samples has a whole batch and an update.

    Raises:
        UserError: the batch is larger than the training set, or the regime has no update.
    """
    batch_size = config.method.batch_size
    if batch_size > samples:
        limited = "" if config.data.limit is None else ", or raise data.limit"
        raise UserError(
            f"method.batch_size={batch_size} is more than the {samples} training samples: lower it{limited}"
        )
    if build_regime(config, samples).updates < 1:
        raise UserError(
            f"workload.epochs={config.workload.epochs} is less than one update of {batch_size} samples: "
            "raise workload.epochs"
        )


def _evenly_spaced(total: int, count: int) -> tuple[int, ...]:
    """At most `count` different updates, the last of them `total`."""
    return tuple(sorted({k * total // count for k in range(1, count + 1)} - {0}))
