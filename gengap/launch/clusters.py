"""Launchers whose processes may run on other machines: what they share, signals, and jobs that are lost."""

import logging
from collections.abc import Sequence
from pathlib import Path

from gengap.config.launchers import CHOICE
from gengap.config.sweep import Job
from gengap.launch.journal import Journal
from gengap.launch.outcome import Outcome
from gengap.launch.stop import Stop
from gengap.paths import expanded

CLUSTERS = ("submitit", "ray")  # how the launchers' names and their packages' begin

log = logging.getLogger(__name__)


def is_for_clusters(words: Sequence[str]) -> bool:
    """Whether the words choose such a launcher."""
    return any(word.removeprefix(CHOICE).startswith(CLUSTERS) for word in words if word.startswith(CHOICE))


def shared_folder(words: Sequence[str], job: Job) -> Path | None:
    """A folder that the processes see too; None where they run on this machine."""
    if not is_for_clusters(words):
        return None
    folder = expanded(job.config.results_dir).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def is_lost_job(error: Exception) -> bool:
    """Whether a launcher says that a job ended without a result, as after scancel."""
    return type(error).__module__.partition(".")[0] in CLUSTERS


def without_the_lost(batch: Sequence[Job], journal: Journal, error: Exception) -> list[Outcome]:
    """The outcomes of the jobs that have ended; KILLED of the others, some of which may still run."""
    ended, _ = journal.read()
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    log.error("gengap: a job ended without a result (%s); jobs that still run go on", reason)
    return [ended.get(job.directory, Outcome.KILLED) for job in batch]


def hand_over(stop: Stop) -> None:
    """Let the launcher have a scheduler's warning, once the run is saved: it may requeue the job."""
    if not stop.is_warned:
        return
    try:
        stop.pass_on()
    except Exception as error:
        if not is_lost_job(error):  # as it says where the job may not be requeued
            raise
