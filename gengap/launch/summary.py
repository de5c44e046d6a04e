"""Summarize in words how the runs of a command ended."""

import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from math import nan

from gengap.config.identity import is_published
from gengap.config.own_source import own_fingerprint
from gengap.config.sweep import Job
from gengap.errors import UserError, counted
from gengap.launch.outcome import Outcome
from gengap.paths import expanded
from gengap.runs import Status, read_record
from gengap.runs.record import WEIGHTS
from gengap.runs.state import run_state

# Text for skipped runs, by status; then everything in the summary line, in order
ALREADY: dict[str, str] = {status: f"already {status}" for status in (Status.FINISHED, Status.DIVERGED)}
COUNTED = [name for o in Outcome for name in (ALREADY.values() if o == Outcome.SKIPPED else (o,))]
CONTINUED = (Outcome.STOPPED, Outcome.NOT_STARTED, Outcome.INTERRUPTED, Outcome.KILLED)
BAD = (Outcome.REFUSED, Outcome.FAILED, Outcome.INTERRUPTED, Outcome.KILLED)  # reflected in the exit code
_NOT_KEPT = f"were not kept ({WEIGHTS} is written only when a run finishes); to have them, train again"

log = logging.getLogger(__name__)


def skipped_line(job: Job) -> str:
    """Format the result of a run that is already done, and how to train it again."""
    directory = job.directory
    record = read_record(directory) or {}
    accuracy = record.get("summary", {}).get("last_val_accuracy")
    result = "" if accuracy is None else f", validation accuracy {accuracy:.2f}%"
    line = f"{directory} has {record['status']}{result}: skipped"
    if changed := _changed(job):
        return f"{line}, though {changed}; to train the new source, {_again([job])}"
    if _lacks_weights(job):
        return f"{line}, and its weights {_NOT_KEPT}: {_again([job])}"
    return f"{line}; to train it again, {_again([job])}"


def finished_line(job: Job) -> str:
    """Format the result of a run trained by a job elsewhere, as the run itself logs it in its run.log."""
    accuracy = (read_record(job.directory) or {}).get("summary", {}).get("last_val_accuracy", nan)
    return f"{job.directory}: finished, validation accuracy {accuracy:.2f}%"


def _changed(job: Job) -> str:
    """State whether the source of the user's own network or data set has changed since the run."""
    record, config = read_record(job.directory) or {}, job.config
    recorded = {
        ("model.name", config.model.name): record.get("network", {}).get("fingerprint"),
        ("data.name", config.data.name): record.get("data", {}).get("source"),
    }
    changed = [f"{key}={name}" for (key, name), trained in recorded.items() if _differs(key, name, trained)]
    return f"the source of {' and '.join(changed)} has changed since" if changed else ""


def _differs(key: str, name: str, trained: str | None) -> bool:
    with suppress(UserError):  # a factory that can't be imported any more
        return trained is not None and own_fingerprint(key, name) not in (None, trained)
    return False


def _lacks_weights(job: Job) -> bool:
    if not job.config.runtime.keep_weights or (job.directory / WEIGHTS).exists():
        return False
    return bool((read_record(job.directory) or {})["status"] == Status.FINISHED)


def _is_published(job: Job) -> bool:
    return is_published(expanded(job.config.results_dir))


def _again(jobs: Sequence[Job]) -> str:
    """Advice on how to train finished runs again without deleting the committed records."""
    for place in (job.config.results_dir for job in jobs if _is_published(job)):
        return f"add another results_dir=DIR: {place} holds the committed records"
    return f"add another results_dir=DIR or delete {'its folder' if len(jobs) == 1 else 'their folders'}"


def sum_up(jobs: Sequence[Job], outcomes: Sequence[Outcome], reason: str | None) -> None:
    """Log how many runs had which outcome, why the command stopped early, and the runs that went wrong."""
    counts = Counter(map(_counted_as, jobs, outcomes))
    nothing_finished = not counts[Outcome.FINISHED] + counts[ALREADY[Status.FINISHED]]
    parts = [f"0 {Outcome.FINISHED}"] if nothing_finished else []
    parts += [f"{counts[name]} {name}" for name in COUNTED if counts[name]]
    unfinished = sum(counts[outcome] for outcome in CONTINUED)
    why = f"{reason}; " if reason else ""
    stopped = f" ({why}run the same command again to continue)" if unfinished else ""
    log.info("gengap: %d runs: %s%s", len(jobs), ", ".join(parts), stopped)
    skipped = [job for job, outcome in zip(jobs, outcomes, strict=True) if outcome == Outcome.SKIPPED]
    lacking = [job for job in skipped if _lacks_weights(job)]
    older = [(job, changed) for job in skipped if (changed := _changed(job))]
    if older:
        log.info(
            "  of %s, %s; to train the new source, %s",
            counted(len(older), "skipped run"),
            older[0][1],
            _again([job for job, _ in older]),
        )
    if len(skipped) == len(jobs) and not lacking and any(map(_is_published, jobs)):
        log.info("  to train them yourself, %s", _again(jobs))
    if lacking:
        log.info("  the weights of %s %s: %s", counted(len(lacking), "run"), _NOT_KEPT, _again(lacking))
    for job, outcome in zip(jobs, outcomes, strict=True):
        if outcome == Outcome.DIVERGED or outcome in BAD:
            log.info("  %s: %s", outcome, job.directory)


def _counted_as(job: Job, outcome: Outcome) -> str:
    if outcome != Outcome.SKIPPED:
        return outcome
    return ALREADY.get(run_state(job.directory).name, ALREADY[Status.FINISHED])  # the run may be gone by now
