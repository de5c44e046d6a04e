"""`gengap landscape KIND`: measure the loss surface around trained networks."""

import logging
import sys
import time
from collections.abc import Sequence
from difflib import get_close_matches

from gengap.cli import options
from gengap.cli.train import CONFIG_DIR, MULTIRUN, read
from gengap.config.conf import GROUPS
from gengap.config.keys import keys, plus
from gengap.config.shipped import choices, experiments
from gengap.config.sweep import Job, compose_jobs, expand
from gengap.errors import DONE, FAILED, UNFINISHED, UserError, counted
from gengap.landscape.settings import KINDS, Line, Settings, explained, split

ABOUT = {
    "sharpness": "Metric 2.1 of Keskar et al. 2017: the largest rise of the training loss in a small box",
    "adaptive": "adaptive sharpness of Kwon et al. 2021, which does not depend on the scale of the weights",
    "line": "loss and error from one trained network (the small batch's) to another",
}
USAGE = """\
usage: gengap landscape KIND +experiment=NAME [seed=0,1] [key=value ...]

Measures trained networks: train them with runtime.keep_weights=true first. Records go to
results_dir/landscape; finished ones are skipped and interrupted ones continued. A list of values for a key of
the run measures several runs, as in gengap train -m."""
LANDSCAPE = options.Spec(
    "landscape", (f"-m, {MULTIRUN}",), {f"-cd, {CONFIG_DIR}": ()}, {}, (*map(plus, GROUPS), *keys())
)

log = logging.getLogger(__name__)


def main(arguments: Sequence[str], started: float | None = None) -> int:
    """Measure what the arguments ask for; return the exit code, with the meanings of `gengap train`.

    Raises:
        UserError: an unknown kind or an invalid argument.
    """
    started = time.time() if started is None else started
    if not arguments or {"-h", "--help"} & set(arguments):
        print(_help())
        return DONE
    kind, *words = arguments
    _check_kind(kind)
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("gengap").setLevel(logging.INFO)
    sys.path.insert(0, "")  # so that package.module:factory is found in the current folder
    typed = read(LANDSCAPE, words)
    settings, run_words = split(kind, typed.words)
    jobs = compose_jobs(expand(run_words))
    log.info("gengap: %s of %s", kind, counted(len(jobs), "run"))  # at once: loading torch takes seconds
    return _measure_all(kind, settings, jobs, started)


def _check_kind(kind: str) -> None:
    if kind in KINDS:
        return
    near = get_close_matches(kind, KINDS, n=1)
    advice = f"did you mean {near[0]}?" if near else f"type one of {', '.join(KINDS)} first"
    raise UserError(f"unknown kind of measurement {kind!r}: {advice}")


def _measure_all(kind: str, settings: Sequence[Settings], jobs: Sequence[Job], started: float) -> int:
    from gengap.landscape.execute import Task, measure  # imports torch
    from gengap.launch.outcome import Outcome
    from gengap.launch.stop import Stop

    tasks = [Task(kind, one, job.config, _start(one, job)) for job in jobs for one in settings]
    stop = Stop(jobs[0].config.runtime.time_budget, started)
    outcomes = []
    for task in tasks:
        outcomes.append(Outcome.NOT_STARTED if stop.reason() else measure(task, stop))
    if Outcome.STOPPED in outcomes:
        return stop.exit_code
    if Outcome.FAILED in outcomes:
        return FAILED
    return UNFINISHED if {Outcome.BUSY, Outcome.NOT_STARTED} & set(outcomes) else DONE


def _start(settings: Settings, job: Job):  # type: ignore[no-untyped-def]
    """The run at the start of a line, with the same seed and keys as the one at its end.

    Raises:
        UserError: the workload has no such experiment.
    """
    if not isinstance(settings, Line):
        return None
    name = settings.start
    if name not in experiments():
        cells = {choices(e): e for e in sorted(experiments(), key=len, reverse=True)}
        name = cells.get((job.config.workload.name, name), "")
    if not name:
        raise UserError(
            f"start={settings.start} is no experiment of {job.config.workload.name}: type start=EXPERIMENT"
        )
    others = [
        w for w in job.words if w.lstrip("+").partition("=")[0] not in ("experiment", "workload", "method")
    ]
    (start,) = compose_jobs([(f"+experiment={name}", *others)])
    return start.config


def _help() -> str:
    lines = [USAGE]
    for kind in KINDS:
        lines.append(f"\n{kind}: {ABOUT[kind]}")
        lines += [f"  {name}={default}  {text}" for name, default, text in explained(kind)]
    return "\n".join(lines)
