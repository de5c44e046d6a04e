"""Synthetic runs of the figures' cells: the real schedules, and curves that the tests know in closed form."""

from collections.abc import Callable
from functools import cache
from math import exp, log
from pathlib import Path
from typing import Any

from report_records import Store, walk

from gengap.config.compose import compose_config
from gengap.config.schema import Config
from gengap.regime import Regime, build_regime


@cache
def schedule(experiment: str) -> tuple[Config, Regime]:
    """What the cell trains: its configuration and its regime over CIFAR-10."""
    config = compose_config([f"+experiment={experiment}"])
    return config, build_regime(config, 50_000)


def drop(experiment: str) -> int:
    """The update at which the learning rate first changes."""
    return schedule(experiment)[1].milestones[0]


def add_run(
    store: Store,
    experiment: str,
    seed: int = 0,
    *,
    distance: Callable[[float], float] = lambda t: 1 + 2 * log(t),
    tensor: Callable[[float], float] = lambda t: 0.5 + log(t),
    error: Callable[[float], float] = lambda progress: 10.0,
    **changes: Any,
) -> Path:
    """One run; distances are functions of the update, the validation error one of the share of training done.

    The training error is half of the validation error. Both distances stand still after the drop.
    """
    config, regime = schedule(experiment)
    per_epoch, first = float(regime.updates_per_epoch), drop(experiment)
    walked = walk(regime.updates, lambda t: distance(min(t, first)), clipped_until=5, rows=60)
    rows = {row["update"]: row for row in walked}
    for row in walked:
        row |= {
            "epoch": row["update"] / per_epoch,
            "tensor_distances": [tensor(min(row["update"], first)), 0.0],
        }
    for update in regime.evaluations:
        val_error = error(update / regime.updates)
        evaluation = {
            "update": update, "epoch": update / per_epoch, "distance": distance(min(update, first)),
            "clipped": 0.0, "val_error": val_error, "train_error": val_error / 2, "seconds": update / 1000,
        }  # fmt: skip
        rows[update] = evaluation | rows.get(update, {})
    return store.add(
        experiment,
        seed,
        accuracy=100 - error(1.0),
        rows=[rows[update] for update in sorted(rows)],
        milestones=regime.milestones,
        **changes,
    )


def decaying(final: float) -> Callable[[float], float]:
    """An error that falls from 90 % to 1.6 times the final one, and drops to it at 81 % of the training."""
    return lambda p: final if p >= 0.81 else 1.6 * final + (90 - 1.6 * final) * exp(-12 * p)
