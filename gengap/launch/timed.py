"""Measure the speed of a run from a few of its updates, which are then discarded."""

import gc
import time
from contextlib import closing

from gengap.config.schema import Config
from gengap.data.load import load
from gengap.data.sources import Images
from gengap.data.splits import Splits, split
from gengap.errors import counted
from gengap.launch.trial import measured_rate, trial_samples
from gengap.regime import Regime, build_regime
from gengap.runs.speed import Speed
from gengap.training.build import build_trainer
from gengap.training.device import prepare_device
from gengap.training.micro_batches import has_convolutions
from gengap.training.trainer import Trainer

SECONDS = 2.0  # total time of the timed updates, of which there is at least one
FORWARD = 1 / 3  # cost of evaluating an image relative to training on it: a forward pass without backward


def timed(config: Config) -> tuple[Speed, int]:
    """Measure a run's images per second in this process, and count its training images; writes nothing.

    Updates are timed after a first one, which compiles and warms up. For convolutions on a CPU, where an
    update with a large batch takes minutes, only part of a batch is timed. Evaluations are included, counted
    as forward passes.

    Raises:
        UserError: the data set is missing, or the run can't be built.
    """
    device = prepare_device(config.runtime)
    data = config.data
    source = load(data.name, data.root, data.folder, packed=data.packed)
    splits = split(source, config.data, config.seed)
    regime = build_regime(config, len(splits.train))
    with closing(build_trainer(config, source, splits, regime, device)) as trainer:
        part = _part_of_a_batch(trainer, splits)
        rate, seen = _on_a_part(trainer, part) if part else _in_updates(trainer, regime)
    del trainer
    gc.collect()  # the trainer is part of reference cycles, and the next cell needs its memory
    samples = regime.batches.samples(regime.updates)
    evaluated = FORWARD * len(regime.evaluations) * len(splits.validation)
    speed = Speed(rate * samples / (samples + evaluated), f"measured now {seen}")
    return speed, len(splits.train)


def _part_of_a_batch(trainer: Trainer, splits: Splits) -> int:
    """Number of images in a batch to measure the speed on; 0 to measure whole updates."""
    is_on_cpu = trainer.flat.weights.device.type == "cpu"
    if not (is_on_cpu and isinstance(splits.train, Images) and has_convolutions(trainer.model)):
        return 0
    method = trainer.config.method
    part = trial_samples(method, trainer.micro_batch)
    return part if part < method.batch_size else 0


def _on_a_part(trainer: Trainer, part: int) -> tuple[float, str]:
    method = trainer.config.method
    passes = (2 if method.adversarial else 1) * (method.proximal_steps if method.proximal else 1)
    rate = measured_rate(trainer, samples=part) / passes
    return rate, f"on {part:,} of the {method.batch_size:,} images of a batch"


def _in_updates(trainer: Trainer, regime: Regime) -> tuple[float, str]:
    if regime.updates > 1:
        trainer.train_step(0)
        trainer.wait()
    first = done = min(1, regime.updates - 1)
    began = time.perf_counter()
    while done < regime.updates and time.perf_counter() - began < SECONDS:
        trainer.train_step(done)
        trainer.wait()
        done += 1
    seconds = time.perf_counter() - began
    images = regime.batches.samples(done) - regime.batches.samples(first)
    return images / seconds, f"in {counted(done - first, 'update')}"
