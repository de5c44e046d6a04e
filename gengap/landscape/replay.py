"""Repeat a run's training, update by update."""

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
    """Yield the trainer of a run after each number of updates in `points`, which are in ascending order.

    Its weights equal those of the run, bit by bit on the CPU, using the number of threads in the run's
    record. The run itself need not exist.
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
    """Choose at most `points` updates: 0, and others evenly spaced in log t until the highest rate ends.

    A run records its distance after these updates, so the distances can be compared.
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
    """Distances recorded by the run, keyed by update; empty if there are none."""
    rows = metric_rows(run_directory(subject.config))
    return {row["update"]: row["distance"] for row in rows if row["distance"] is not None}
