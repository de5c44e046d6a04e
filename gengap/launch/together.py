"""Train one run on several ranks: rank 0 decides whether to train it, and the others follow."""

import logging
from typing import Any

from gengap.config.sweep import Job
from gengap.launch.execute import train
from gengap.launch.outcome import Outcome
from gengap.launch.place import Place
from gengap.launch.single import train_one
from gengap.launch.stop import Stop
from gengap.runs.store import Run
from gengap.training.ranks import Ranks
from gengap.training.shared_errors import LostRankError

log = logging.getLogger(__name__)


def train_together(job: Job, stop: Stop, place: Place, ranks: Ranks) -> Outcome:
    """Train one run on all ranks, unless rank 0 finds that it is done; arguments are as in train_one.

    After a failed exchange, no further run is started.

    Raises:
        LostRankError: a rank was lost before training.
    """
    outcome = _lead(job, stop, place, ranks) if ranks.is_first else _follow(job, stop, place, ranks)
    if ranks.broken:
        stop.give_up("a rank was lost")
    return outcome


def _lead(job: Job, stop: Stop, place: Place, ranks: Ranks) -> Outcome:
    ranks.has_begun = False
    outcome = train_one(job, stop, place)
    if not ranks.has_begun:  # skipped, refused or trained by another command
        ranks.first(lambda: outcome)
    return outcome


def _follow(job: Job, stop: Stop, place: Place, ranks: Ranks) -> Outcome:
    decided = ranks.first(lambda: None)
    if decided is not None:
        return Outcome(decided)
    try:
        return train(job.config, Onlooker(job), stop, place)
    except LostRankError:
        raise
    except Exception:  # rank 0 reports it: either all ranks raised it, or this one has told the others
        return Outcome.FAILED


class Onlooker(Run):
    """Stands in for a run's directory on ranks other than 0: it reads and writes nothing."""

    def __init__(self, job: Job) -> None:
        self.directory = job.directory
        self.record: dict[str, Any] = {}
        self.checkpoint = None

    def update_record(self, **changes: Any) -> None:
        """Do nothing: rank 0 writes the record."""

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Do nothing: rank 0 writes the metrics."""

    def metrics_digest(self) -> dict[str, str]:
        """Return nothing: rank 0 computes the digest."""
        return {}
