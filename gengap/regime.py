"""The regime: step decay, regime adaptation, warm-up and batch sizes, all in updates (paper, section 5)."""

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from gengap.batches import Batches
from gengap.config.schema import Config
from gengap.config.sizes import named_batch
from gengap.errors import UserError
from gengap.learning_rate import scaled_lr


def exact(value: float) -> Fraction:
    """Convert a configured number to the fraction it stands for: 0.3333333333333333 is 1/3."""
    return Fraction(value).limit_denominator(10**6)


@dataclass(frozen=True)
class Regime:
    """A step-decay schedule in updates; an update is an optimizer step, counted from 0.

    rates and weight_decay hold one value per phase; phase k + 1 begins at update milestones[k]. There is one
    set of learning rates per batch size. During the first `warmup` updates, the learning rate increases
    linearly from `warmup_from` to the scheduled one.
    """

    updates: int
    milestones: tuple[int, ...]
    rates: tuple[tuple[float, ...], ...]  # learning rates, indexed by batch size, then phase
    weight_decay: tuple[float, ...]
    warmup: int
    warmup_from: float
    batches: Batches
    evaluations: tuple[int, ...]  # numbers of updates after which to evaluate

    @property
    def lr(self) -> tuple[float, ...]:
        """Learning rate of each phase, at the last batch size."""
        return self.rates[-1]

    @property
    def updates_per_epoch(self) -> Fraction:
        """Updates per epoch at the last batch size."""
        return self.batches.per_epoch

    def phase(self, update: int) -> int:
        """Index of the phase that an update belongs to."""
        return bisect_right(self.milestones, update)

    def lr_at(self, update: int) -> float:
        """Learning rate of an update."""
        rate = self.rates[self.batches.phase(update)][self.phase(update)]
        if update < self.warmup:
            return self.warmup_from + (rate - self.warmup_from) * (update / self.warmup)
        return rate

    def weight_decay_at(self, update: int) -> float:
        """Weight decay of an update."""
        return self.weight_decay[self.phase(update)]

    def starts_epoch(self, update: int) -> bool:
        """Whether an update is the first one to begin in its epoch; batches may span two epochs."""
        return update == 0 or self.batches.epochs(update) // 1 > self.batches.epochs(update - 1) // 1


def build_regime(config: Config, dataset_size: int) -> Regime:
    """Build the schedule of a run on `dataset_size` training samples.

    Regime adaptation (section 5) stretches every period of e epochs to regime_factor * e epochs. Epochs are
    converted to updates here and nowhere else, in exact arithmetic: floor(epochs * regime_factor * N / B)
    with N = `dataset_size` and B = method.batch_size. With regime_factor = |B_L| / |B_S|, that is the number
    of updates made with the small batch. With method.earlier_batches, it is the largest number of updates
    that these epochs have samples for; the milestones between batch sizes are stretched like all others.
    """
    workload, method = config.workload, config.method
    factor = exact(method.regime_factor)
    first, *later = [*method.earlier_batches, method.batch_size]
    batches = Batches(dataset_size, (first,), keep_partial=config.protocol.keep_partial_batch)
    for size, milestone in zip(later, method.batch_milestones, strict=True):
        batches = batches.then(size, exact(milestone) * factor)

    def updates(epochs: float) -> int:
        return batches.updates(exact(epochs) * factor)

    rates = tuple(
        tuple(scaled_lr(rate, size, method.lr_base_batch, method.lr_rule) for rate in workload.lr)
        for size in batches.sizes
    )
    decay = workload.weight_decay * (1 if len(workload.weight_decay) > 1 else len(workload.lr))
    total, count = updates(workload.epochs), config.evaluations or min(ceil(workload.epochs), 200)
    return Regime(
        updates=total,
        milestones=tuple(updates(m) for m in workload.milestones),
        rates=rates,
        weight_decay=tuple(decay),
        warmup=updates(method.warmup_epochs),
        warmup_from=workload.lr[0],
        batches=batches,
        evaluations=_evenly_spaced(total, count, batches),
    )


def check_updates(config: Config, samples: int) -> None:
    """Check that a run on `samples` training samples can fill a batch and makes at least one update.

    Raises:
        UserError: the batch is larger than the training set, or the regime has no updates.
    """
    batch_size, earlier = config.method.batch_size, config.method.earlier_batches
    limited = "" if config.data.limit is None else ", or raise data.limit"
    if batch_size > samples:
        raise UserError(
            f"{named_batch(config)} is more than the {samples} training samples: lower it{limited}"
        )
    if max(earlier, default=0) > samples:
        raise UserError(
            f"method.earlier_batches={earlier} are more than the {samples} training samples: "
            f"lower them{limited}"
        )
    if build_regime(config, samples).updates < 1:
        raise UserError(
            f"workload.epochs={config.workload.epochs} is less than one update of "
            f"{[*earlier, batch_size][0]} samples: raise workload.epochs"
        )


def _evenly_spaced(total: int, count: int, batches: Batches) -> tuple[int, ...]:
    """Choose at most `count` distinct updates, the last being `total`; evenly in samples if sizes differ."""
    parts = (Fraction(k, count) for k in range(1, count + 1))
    if len(batches.sizes) == 1:
        found = {int(part * total) for part in parts}
    else:
        found = {batches.updates(part * batches.epochs(total)) for part in parts}
    return tuple(sorted(found - {0}))
