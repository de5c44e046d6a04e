"""Train one run of a command unless it is done, which is found out without importing torch."""

from contextlib import suppress

from gengap.config.sweep import Job
from gengap.errors import UnreadableError, log_error
from gengap.launch.outcome import Outcome
from gengap.launch.place import Place
from gengap.launch.stop import Stop
from gengap.runs import Status
from gengap.runs.record import own_record, read_run, remove_checkpoints


def train_one(job: Job, stop: Stop, place: Place) -> Outcome:
    """Train one run, unless it is done or `stop` already has a reason; arguments are as in `execute`."""
    if stop.reason():
        return Outcome.NOT_STARTED
    try:
        record = own_record(job.directory)
        if record and record["status"] in (Status.FINISHED, Status.DIVERGED):
            read_run(job.directory)  # raises an error if its metrics are damaged
            if record["status"] == Status.FINISHED:
                with suppress(OSError):
                    remove_checkpoints(job.directory)  # left if it was killed between record and removal
            return Outcome.SKIPPED
        from gengap.launch.execute import execute  # imports torch, which takes seconds; not needed to skip

        return execute(job.config, stop, place)
    except UnreadableError as error:
        log_error(error)
        return Outcome.FAILED
