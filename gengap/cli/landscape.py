"""`gengap landscape KIND`: measure the loss surface around trained networks."""

import logging
import sys
import time
from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from functools import partial

from gengap.cli import options
from gengap.cli.train import CONFIG_DIR, MULTIRUN, read
from gengap.config.conf import ADDED, GROUPS
from gengap.config.keys import keys, plus
from gengap.config.sweep import compose_jobs, expand
from gengap.errors import DONE, FAILED, MISTAKE, UNFINISHED, UserError, counted, log_error
from gengap.landscape.settings import KINDS
from gengap.landscape.task import Task, check_runs, is_measured
from gengap.landscape.tasks import make_tasks
from gengap.landscape.typed import explained, names, split
from gengap.launch.outcome import Outcome, after
from gengap.launch.stop import Stop
from gengap.terminal import log_to_terminal

ABOUT = {
    "sharpness": "Metric 2.1 of Keskar et al. 2017: the largest rise of the training loss in a small box",
    "adaptive": "adaptive sharpness of Kwon et al. 2021, which does not depend on the scale of the weights",
    "line": "loss and error from one trained network (the small batch's) to another",
    "accuracy": "loss and accuracy as the run evaluates itself, with running or exact statistics",
    "potential": "loss along random directions from initial weights (Hoffer et al. 2017, Appendix B)",
    "walk": "mean and covariance of updates by batch size, and the gradient noise scale",
    "curvature": "the largest eigenvalues of the Hessian of the training loss, and its trace",
}
USAGE = """\
usage: gengap landscape {kind} +experiment=NAME [seed=0,1] [key=value ...]
       gengap landscape {kind} +sweep=NAME [key=value ...]

Measures the loss around trained networks: train them with runtime.keep_weights=true first. `potential` and
`walk` need no trained network. Records go to results_dir/landscape; finished ones are skipped and interrupted
ones continued. A list of values for a key of the run, with or without -m, measures several runs. Exit codes
are those of gengap train."""

COLUMN = 30  # column at which explanations start

log = logging.getLogger(__name__)


def spec(kind: str) -> options.Spec:
    """Arguments that `gengap landscape KIND` accepts."""
    taken = (*names(kind), *map(plus, GROUPS), *keys())
    return options.Spec(f"landscape {kind}", (f"-m, {MULTIRUN}",), {f"-cd, {CONFIG_DIR}": ()}, {}, taken)


def main(arguments: Sequence[str], started: float | None = None) -> int:
    """Make the requested measurements; return the exit code, with the same meanings as for `gengap train`.

    Raises:
        UserError: a kind is unknown or an argument invalid.
    """
    started = time.time() if started is None else started
    if not arguments or arguments[0] in options.HELP:
        print(_help())
        return DONE
    kind, *words = arguments
    _check_kind(kind)
    typed = read(spec(kind), words)
    if typed.asks_for_help:
        print(_help(kind))
        return DONE
    log_to_terminal()
    sys.path.insert(0, "")  # to find package.module:factory in the current folder
    settings, run_words = split(kind, typed.words)
    _check_named(run_words)
    folders = [word for folder in typed.settings[CONFIG_DIR] for word in (CONFIG_DIR, folder)]
    tasks = make_tasks(kind, settings, compose_jobs(expand(run_words)), folders)
    return _measure_all(tasks, started)


def _check_kind(kind: str) -> None:
    if kind in KINDS:
        return
    near = get_close_matches(kind, KINDS, n=1)
    advice = f"did you mean {near[0]}?" if near else f"type one of {', '.join(KINDS)} first"
    raise UserError(f"unknown kind of measurement {kind!r}: {advice}")


def _check_named(words: Sequence[str]) -> None:
    if not {word.lstrip("+~").partition("=")[0] for word in words} & {*ADDED, "workload", "method"}:
        raise UserError(
            "nothing to measure: add +experiment=NAME or +sweep=NAME; type gengap train --help for the names"
        )


def _measure_all(tasks: Sequence[Task], started: float) -> int:
    told: set[str] = set()
    found = {number: outcome for number, task in enumerate(tasks) if (outcome := _known_outcome(task, told))}
    stop = Stop(tasks[0].config.runtime.time_budget, started)
    left = [number for number in range(len(tasks)) if number not in found]
    if left:
        what = tasks[left[0]].name if len(tasks) == 1 else counted(len(left), "record")
        log.info("gengap: %s", what)  # immediately, since loading torch takes seconds
    for number in left:
        with stop.before_exit(partial(_say_stopped, tasks[number])):
            found[number] = Outcome.NOT_STARTED if stop.reason() else _measured(tasks[number], stop)
    outcomes = [found[number] for number in range(len(tasks))]
    _sum_up(tasks, outcomes, stop.reason())
    if stop.reason() and {Outcome.STOPPED, Outcome.NOT_STARTED} & set(outcomes):
        return stop.exit_code
    if {Outcome.FAILED, Outcome.REFUSED} & set(outcomes):
        return MISTAKE if set(outcomes) == {Outcome.REFUSED} else FAILED
    return UNFINISHED if Outcome.BUSY in outcomes else DONE


def _measured(task: Task, stop: Stop) -> Outcome:
    from gengap.landscape.execute import measure  # imports torch

    return measure(task, stop)


def _say_stopped(task: Task, name: str) -> None:
    log.info("%s: stopped (%s) before its next measurement; run the same command again", task.name, name)


def _known_outcome(task: Task, told: set[str]) -> Outcome | None:
    """Find the outcome of a task that is done or can't be started, without torch; None for other tasks.

    told holds what was already logged for other records of the same runs, and is not repeated.
    """
    try:
        if is_measured(task):
            return Outcome.SKIPPED
        check_runs(task)
    except UserError as error:
        if str(error) not in told:
            log_error(error)
        told.add(str(error))
        return after(error)
    return None


def _sum_up(tasks: Sequence[Task], outcomes: Sequence[Outcome], reason: str | None) -> None:
    """Log the outcomes of a command's measurements; for a single one, only what its own lines don't say."""
    if len(tasks) > 1:
        counts = Counter("already measured" if o == Outcome.SKIPPED else o for o in outcomes)
        parts = ", ".join(f"{count} {name}" for name, count in counts.items())
        stopped = f" ({reason}; run the same command again to continue)" if reason else ""
        runs = len({(task.file.parent) for task in tasks})
        log.info(
            "gengap: %s of %s: %s%s",
            counted(len(tasks), "record"), counted(runs, "run"), parts, stopped,
        )  # fmt: skip
    elif outcomes == [Outcome.SKIPPED]:
        log.info("%s is measured already: skipped; to measure again, delete it", tasks[0].file)
    elif outcomes == [Outcome.NOT_STARTED]:
        log.info("gengap: not started (%s)", reason)


def _help(kind: str | None = None) -> str:
    lines = [USAGE.format(kind=kind or "KIND")]
    for one in [kind] if kind else KINDS:
        lines.append(f"\n{one}: {ABOUT[one]}")
        lines += [f"  {f'{name}={default}':{COLUMN}}  {text}" for name, default, text in explained(one)]
    return "\n".join(lines)
