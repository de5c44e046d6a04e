"""A run's training repeated, update by update."""

from collections.abc import Iterator, Sequence
from contextlib import closing

import numpy as np

from gengap.config.identity import run_directory
from gengap.landscape.subject import Subject
from gengap.launch.threads import threads_of
from gengap.regime import Regime, build_regime
from gengap.runs.record import metric_rows, read_record
from gengap.training.build import build_trainer
from gengap.training.device import prepare_device
from gengap.training.distance import recorded_updates
from gengap.training.trainer import Trainer


def replayed(subject: Subject, points: Sequence[int]) -> Iterator[tuple[int, Trainer]]:
    """The trainer of a run after each of some numbers of updates, in ascending order.

    Its weights are those of the run, bit by bit on the CPU, with the number of threads that the run's record
    says. The run need not be there.
    """
    config = subject.config
    threads = threads_of(config.runtime, read_record(run_directory(config)) or {})
    device = prepare_device(config.runtime, threads)
    regime = build_regime(config, len(subject.splits.train))
    with closing(build_trainer(config, subject.source, subject.splits, regime, device)) as trainer:
        done = 0
        for point in points:
            while done < point:
                trainer.train_step(done)
                done += 1
                subject.between(config.method.batch_size)
            trainer.wait()
            yield done, trainer


def spaced_updates(regime: Regime, points: int) -> list[int]:
    """0 and others, at most `points`, evenly spaced in log t until the highest learning rate ends.

    They are among those after which a run records its distance, which therefore can be compared.
    """
    highest = regime.lr.index(max(regime.lr))
    end = min([*regime.milestones, regime.updates][highest], regime.updates)
    recorded = np.array([t for t in recorded_updates(regime.updates) if t < end])
    if not len(recorded) or points == 1:
        return [0]
    wanted = np.geomspace(recorded[-1], 1, points - 1)
    nearest = np.abs(np.log(recorded[:, None] / wanted)).argmin(axis=0)
    return [0, *sorted({int(t) for t in recorded[nearest]})]


def recorded_distances(subject: Subject) -> dict[int, float]:
    """The distances that the run has recorded, by updates; empty if it has none."""
    rows = metric_rows(run_directory(subject.config))
    return {row["update"]: row["distance"] for row in rows if row["distance"] is not None}
