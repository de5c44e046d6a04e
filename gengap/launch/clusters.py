"""Launchers whose processes may run on other machines: shared folders, signals and lost jobs."""

import logging
from collections.abc import Sequence
from pathlib import Path

from gengap.config.launchers import CHOICE
from gengap.config.sweep import Job
from gengap.launch.journal import Journal
from gengap.launch.outcome import Outcome
from gengap.launch.stop import Stop
from gengap.paths import expanded

CLUSTERS = ("submitit", "ray")  # prefixes of the launchers' names and of their packages' names

log = logging.getLogger(__name__)


def is_for_clusters(words: Sequence[str]) -> bool:
    """Whether the words select a launcher for clusters."""
    return any(word.removeprefix(CHOICE).startswith(CLUSTERS) for word in words if word.startswith(CHOICE))


def shared_folder(words: Sequence[str], job: Job) -> Path | None:
    """Folder that the launched processes can also see; None if they run on this machine."""
    if not is_for_clusters(words):
        return None
    folder = expanded(job.config.results_dir).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def is_lost_job(error: Exception) -> bool:
    """Whether a launcher reports that a job ended without a result, as after scancel."""
    return type(error).__module__.partition(".")[0] in CLUSTERS


def without_the_lost(batch: Sequence[Job], journal: Journal, error: Exception) -> list[Outcome]:
    """Outcomes of the jobs that have ended, and KILLED for the others, some of which may still be running."""
    ended, _ = journal.read()
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    log.error("gengap: a job ended without a result (%s); jobs that still run go on", reason)
    return [ended.get(job.directory, Outcome.KILLED) for job in batch]


def hand_over(stop: Stop) -> None:
    """Pass a scheduler's warning on to the launcher once the run is saved, since it may requeue the job."""
    if not stop.is_warned:
        return
    try:
        stop.pass_on()
    except Exception as error:
        if not is_lost_job(error):  # which is how it reports that the job may not be requeued
            raise
