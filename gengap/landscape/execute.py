"""Make one record of measurements from start to finish: skip or continue it, measure, write."""

import logging
import math
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from filelock import Timeout

from gengap.config.identity import as_dict as config_dict
from gengap.config.identity import run_name
from gengap.errors import FaultError, counted, log_error
from gengap.faults import MachineError
from gengap.landscape.kinds import MEASURES, total
from gengap.landscape.progress import Progress
from gengap.landscape.settings import as_dict
from gengap.landscape.subject import Subject
from gengap.landscape.task import Task, check_same_weights, is_measured, kept_weights
from gengap.launch.failure import as_user_error
from gengap.launch.outcome import Outcome, after
from gengap.launch.recording import published
from gengap.launch.stop import Stop
from gengap.runs import provenance
from gengap.runs.measurements import FORMAT, UNTRAINED, Measuring
from gengap.runs.parts import continued
from gengap.runs.schema import Status
from gengap.training.device import prepare_device

LESS_MEMORY = "lower batch, samples or subspace"

log = logging.getLogger(__name__)


class StoppedError(Exception):
    """The measurement was stopped; the text says why."""


def measure(task: Task, stop: Stop) -> Outcome:
    """Make those measurements of a task that are not yet recorded; errors are logged in one line."""
    try:
        with Measuring(task.file) as record, stop:
            if is_measured(task):  # another process has made it since the command began
                return Outcome.SKIPPED
            if made := len(record.record.get("measurements", [])):
                log.info("%s: continues after %s", task.name, counted(made, "measurement"))
            return _measure(task, record, stop)
    except Timeout:
        log.info("%s is being measured by another process: skipped", task.name)
        return Outcome.BUSY
    except StoppedError as error:
        made = len(record.record.get("measurements", []))
        saved = f"{counted(made, 'measurement')} saved" if made else "no measurement was complete"
        line = "%s: stopped (%s), %s; run the same command again to continue"
        log.info(line, task.name, error, saved)
        return Outcome.STOPPED
    except BrokenPipeError:
        raise
    except Exception as error:
        found = as_user_error(error, task.file, LESS_MEMORY)
        log_error(found)
        if isinstance(found, MachineError) and found.everywhere:
            stop.give_up(found.everywhere)
        return after(found)


def _measure(task: Task, record: Measuring, stop: Stop) -> Outcome:
    device = prepare_device(task.config.runtime)
    made = list(record.record.get("measurements", []))
    progress = Progress(task.name, len(made))
    subject = Subject(task.config, task.settings, device, _between(progress, stop))
    progress.total = total(subject)
    origin = _origin(task, subject, record)
    if record.record:
        check_same_weights(task, record.record, kept_weights(task))
    before, began = float(record.record.get("seconds", 0)), time.monotonic()
    for measurement in MEASURES[task.kind](subject, task.start, len(made)):
        made.append(_checked(measurement))
        seconds = round(before + time.monotonic() - began, 3)
        record.update(status=Status.RUNNING, **origin, seconds=seconds, measurements=made)
        progress.say(measurement)
    record.update(status=Status.FINISHED)
    log.info("%s: %s", record.file, counted(len(made), "measurement"))
    return Outcome.FINISHED


def _origin(task: Task, subject: Subject, record: Measuring) -> dict[str, Any]:
    config = task.config
    origin = provenance.origin(subject.device)
    origin["versions"] |= {"scipy": version("scipy")}
    return {
        "format": FORMAT,
        "kind": task.kind,
        "run": run_name(config),
        "seed": config.seed,
        "config": {task.kind: as_dict(task.settings) | task.of, **published(config_dict(config))},
        **continued(record.record, origin, done=len(record.record.get("measurements", []))),
        "weights": UNTRAINED,
        **kept_weights(task),
    }


def _between(progress: Progress, stop: Stop) -> Callable[[int], None]:
    def between(images: int) -> None:
        if reason := stop.reason():
            raise StoppedError(reason)
        progress.advance(images)

    return between


def _checked(measurement: dict[str, Any]) -> dict[str, Any]:
    """Reject values that are not finite: JSON can't hold them, and an infinite loss is no measurement."""
    for name, value in measurement.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, float) and not math.isfinite(one):
                raise FaultError(f"{name} is {one}: the loss is not finite near these weights")
    return measurement
