"""The speed of a run, from a few of its updates, which are thrown away."""

import time
from contextlib import closing

from gengap.config.schema import Config
from gengap.data.load import load
from gengap.data.splits import split
from gengap.errors import counted
from gengap.regime import build_regime
from gengap.runs.speed import Speed
from gengap.training.build import build_trainer
from gengap.training.device import prepare_device

SECONDS = 2.0  # of timed updates, of which there is at least one
FORWARD = 1 / 3  # an evaluated image in trained ones: the forward pass without the backward pass


def timed(config: Config) -> Speed:
    """Images per second of a run in this process, its evaluations included; nothing is written.

    The first update, which compiles and warms up, is not timed. Evaluations are reckoned as forward passes.

    Raises:
        UserError: the data set is not there, or the run can't be built.
    """
    device = prepare_device(config.runtime)
    source = load(config.data.name, config.data.root, config.data.folder)
    splits = split(source, config.data, config.seed)
    regime = build_regime(config, len(splits.train))
    with closing(build_trainer(config, source, splits, regime, device)) as trainer:
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
    rate = (regime.batches.samples(done) - regime.batches.samples(first)) / seconds
    samples = regime.batches.samples(regime.updates)
    evaluated = FORWARD * len(regime.evaluations) * len(splits.validation)
    return Speed(rate * samples / (samples + evaluated), f"measured now in {counted(done - first, 'update')}")
