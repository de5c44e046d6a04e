"""One record of measurements from start to finish: skip or continue it, measure, write."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from filelock import Timeout

from gengap.config.identity import as_dict as config_dict
from gengap.config.identity import run_name
from gengap.config.schema import Config
from gengap.errors import UserError, log_error
from gengap.landscape.kinds import MEASURES
from gengap.landscape.progress import Progress
from gengap.landscape.settings import Settings, as_dict, digest
from gengap.landscape.subject import Subject
from gengap.launch.failure import as_user_error
from gengap.launch.outcome import Outcome
from gengap.launch.recording import published
from gengap.launch.stop import Stop
from gengap.paths import expanded
from gengap.runs import provenance
from gengap.runs.measurements import FORMAT, Measuring, measurement_file
from gengap.runs.schema import Status
from gengap.training.device import prepare_device

log = logging.getLogger(__name__)


class StoppedError(Exception):
    """The measurement was stopped; the text says by what."""


@dataclass(frozen=True)
class Task:
    """A record of measurements to make.

    start: the run at α = 0 of a line; None for other kinds.
    """

    kind: str
    settings: Settings
    config: Config
    start: Config | None = None

    @property
    def of(self) -> dict[str, Any]:
        """What the measurement depends on besides its run and settings."""
        return {"start": f"{run_name(self.start)}/seed{self.start.seed}"} if self.start else {}

    @property
    def recorder(self) -> Measuring:
        """Where it is recorded."""
        name = digest(self.kind, self.settings, self.of)
        results_dir = expanded(self.config.results_dir)
        return Measuring(
            measurement_file(results_dir, run_name(self.config), self.config.seed, self.kind, name)
        )


def measure(task: Task, stop: Stop) -> Outcome:
    """Make the measurements of a task that are not recorded yet; errors are logged as one line."""
    try:
        with task.recorder as record, stop:
            if record.record.get("status") == Status.FINISHED:
                log.info("%s: measured already: skipped; to measure again, delete it", record.file)
                return Outcome.SKIPPED
            return _measure(task, record, stop)
    except Timeout:
        log.info("%s is being measured by another process: skipped", task.kind)
        return Outcome.BUSY
    except StoppedError as error:
        log.info("gengap: stopped (%s); run the same command again to continue", error)
        return Outcome.STOPPED
    except BrokenPipeError:
        raise
    except Exception as error:
        log_error(as_user_error(error, expanded(task.config.results_dir)))
        return Outcome.FAILED


def _measure(task: Task, record: Measuring, stop: Stop) -> Outcome:
    config = task.config
    device = prepare_device(config.runtime)
    title = f"{task.kind} of {run_name(config)} seed{config.seed}"
    progress = Progress(title)
    subject = Subject(config, task.settings, device, _between(progress, stop))
    origin = _origin(task, subject)
    made = _continued(record, origin)
    before, began = float(record.record.get("seconds", 0)), time.monotonic()
    for measurement in MEASURES[task.kind](subject, task.start, len(made)):
        made.append(_checked(measurement))
        seconds = round(before + time.monotonic() - began, 3)
        record.update(status=Status.RUNNING, **origin, seconds=seconds, measurements=made)
        progress.say(measurement)
    record.update(status=Status.FINISHED)
    log.info("%s: %d measurements", record.file, len(made))
    return Outcome.FINISHED


def _continued(record: Measuring, origin: dict[str, Any]) -> list[dict[str, Any]]:
    """The measurements that a record begins with.

    Raises:
        UserError: they were made of other weights.
    """
    if not record.record:
        return []
    if record.record["weights"] != origin["weights"]:
        raise UserError(f"{record.file} was begun with other weights: delete it to measure these")
    return list(record.record["measurements"])


def _origin(task: Task, subject: Subject) -> dict[str, Any]:
    config = task.config
    return {
        "format": FORMAT,
        "kind": task.kind,
        "run": run_name(config),
        "seed": config.seed,
        "config": {task.kind: as_dict(task.settings) | task.of, **published(config_dict(config))},
        **provenance.origin(subject.device),
        "weights": subject.fingerprint(),
    }


def _between(progress: Progress, stop: Stop) -> Callable[[int], None]:
    def between(images: int) -> None:
        if reason := stop.reason():
            raise StoppedError(reason)
        progress.advance(images)

    return between


def _checked(measurement: dict[str, Any]) -> dict[str, Any]:
    """Refuse what is not finite: a record is JSON, and an endless loss is no measurement."""
    for name, value in measurement.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(f"{name} is {value}: the loss is not finite near these weights")
    return measurement
