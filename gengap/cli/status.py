"""`gengap status`: the state of every run, by cell, and the commands that train what is missing."""

import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev

from gengap.cli.no_runs import no_runs
from gengap.cli.options import Typed
from gengap.cli.recorded import Record, differences, selection
from gengap.cli.time_left import price, print_time_left
from gengap.cli.train import CONFIG_DIR, COST, ESTIMATE, STATUS, read
from gengap.config.launchers import split_launcher
from gengap.config.overrides import parse
from gengap.config.plain import compose_run
from gengap.config.sweep import PREFIX, Job, expand
from gengap.duration import in_words
from gengap.errors import DONE, UserError, log_error
from gengap.paths import expanded
from gengap.runs.comparable import left_out
from gengap.runs.folders import run_directories
from gengap.runs.state import STATES, RunState, run_state
from gengap.terminal import say

USAGE = """\
usage: gengap status [results_dir=DIR]             all recorded runs
       gengap status +sweep=NAME [key=value ...]   the runs that gengap train would train with these arguments
       gengap status +experiment=NAME [seed=0,1,2]
       gengap status +sweep=NAME --estimate        measure a few updates of cells without a record
       gengap status +sweep=NAME --cost=2.5        also the price, at this much per device-hour

Unfinished runs are listed below the counts of their cell. "differs in" names the settings that differ from
the cell of the same workload and method. Means leave out runs whose data or network is not that of most. The
last lines are commands that continue runs.
The time left of a sweep assumes one run after another on one device, at the speed recorded on a device of the
same name, here or elsewhere: that of the same cell, or else of the same workload and precision.
--config-dir DIR finds your own experiments, as in gengap train."""

NOT_SELECTING = ("results_dir=", "data.root=", "runtime.")  # overrides that don't select runs


def main(arguments: Sequence[str]) -> int:
    """Print the states of the selected runs, or of all recorded ones; return the exit code.

    Raises:
        UserError: an argument is invalid.
    """
    typed = read(STATUS, arguments)
    if typed.asks_for_help:
        print(USAGE)
        return DONE
    words, _ = split_launcher(typed.words)
    if all(word.startswith(NOT_SELECTING) for word in words):
        if typed.settings[COST] or ESTIMATE in typed.flags:
            raise UserError("--estimate and --cost need runs to train: add +sweep=NAME or +experiment=NAME")
        runs = expand(words, selecting=False)
        if len(runs) > 1:
            raise UserError("gengap status reads one folder at a time: type it once for each")
        places = [str(parse(word).value()) for word in runs[0] if word.startswith("results_dir=")]
        _store_status(typed, words, places[-1] if places else "results")
    else:
        return _sweep_status(typed, words)
    return DONE


def _store_status(typed: Typed, words: Sequence[str], results_dir: str) -> None:
    directories, unreadable = run_directories(expanded(results_dir))
    for error in unreadable:
        log_error(error)
    if not directories and not unreadable:
        say(no_runs(results_dir))
    cells = _cells(directories)
    _print_cells(cells)
    lines = [line for name, runs in cells.items() for line in _how_to_continue(typed, words, name, runs)]
    if lines:
        print()
        say("These continue the runs above; the command that began them also trains what is not listed:")
        for line in lines:
            say(line)


def _how_to_continue(
    typed: Typed, words: Sequence[str], name: str, runs: Mapping[Path, RunState]
) -> Iterator[str]:
    """Yield a line about a cell's runs that ended early, if there are any."""
    records = [state.record for state in runs.values() if state.name in ("interrupted", "failed")]
    if not records:
        return
    given = {word.partition("=")[0] for word in words}
    selected = [word for word in selection(records) if word.partition("=")[0] not in given]
    if selected:
        yield f"continue with: {_command(typed, [*selected, *words], several=len(records) > 1)}"
    else:
        yield f"to continue {name}, repeat the command that started it"


def _sweep_status(typed: Typed, words: Sequence[str]) -> int:
    cost = price(typed.settings[COST])
    jobs = [Job(run, compose_run(run)) for run in expand(words)]
    counts = _print_cells(_cells(job.directory for job in jobs))
    if counts["finished"] + counts["diverged"] == len(jobs):
        return DONE
    code = print_time_left(jobs, cost, estimate=ESTIMATE in typed.flags)
    is_sweep = any(word.lstrip("+").startswith(PREFIX.lstrip("+")) for word in words)
    several = len(jobs) > 1 and not is_sweep
    print()
    say(f"continue with: {_command(typed, words, several=several)}")
    return code


def _command(typed: Typed, words: Sequence[str], *, several: bool) -> str:
    """Format the gengap train command for these words, with the configuration folders that were typed."""
    folders = [word for folder in typed.settings[CONFIG_DIR] for word in (CONFIG_DIR, folder)]
    return shlex.join(["gengap", "train", *folders, *(["-m"] if several else []), *words])


def _cells(directories: Iterable[Path]) -> dict[str, dict[Path, RunState]]:
    """Determine the state of every run, grouped by cell."""
    cells: dict[str, dict[Path, RunState]] = {}
    for directory in directories:
        cells.setdefault(directory.parent.name, {})[directory] = run_state(directory)
    return cells


def _print_cells(cells: Mapping[str, Mapping[Path, RunState]]) -> Counter[str]:
    """Print one line per cell and one per unfinished run; return how many runs are in each state."""
    width = max(map(len, cells), default=0)
    changed = {name: differences(_record_of(runs)) for name, runs in cells.items()}  # warns before the table
    if cells:
        say(f"{'':{width}}  " + "  ".join((*STATES, f"{'accuracy %':14}", "differs in")))
    total: Counter[str] = Counter()
    for name, runs in cells.items():
        counts = Counter(state.name for state in runs.values())
        columns = [f"{counts[s] or '·':>{len(s)}}" for s in STATES]
        others = _left_out(runs)
        accuracy = _accuracy(state for directory, state in runs.items() if directory not in others)
        words = [f"{name:{width}}", *columns, f"{accuracy:14}", changed[name]]
        say("  ".join(words).rstrip())
        for directory, reason in others.items():
            say(f"  {directory.name} {reason}: not in the mean")
        for directory, state in runs.items():
            _print_unfinished(directory, state)
        total += counts
    return total


def _record_of(runs: Mapping[Path, RunState]) -> Record:
    return next((state.record for state in runs.values() if state.record), {})


def _left_out(runs: Mapping[Path, RunState]) -> dict[Path, str]:
    """Find the finished runs that are left out of the mean, with how they differ, as in the report."""
    finished = sorted(
        (d for d, state in runs.items() if state.name == "finished"), key=lambda d: runs[d].record["seed"]
    )
    return {finished[i]: why for i, why in left_out([runs[d].record for d in finished]).items()}


def _accuracy(runs: Iterable[RunState]) -> str:
    """Format `mean ± std` over the finished runs; no ± for a single one, empty for none."""
    values = [run.accuracy for run in runs if run.accuracy is not None]
    if not values:
        return ""
    return f"{fmean(values):.2f}" + (f" ± {stdev(values):.2f}" if len(values) > 1 else "")


def _print_unfinished(directory: Path, state: RunState) -> None:
    if state.name == "unreadable":
        say(f"gengap: {state.reason}", sys.stderr)
    elif state.name in ("training", "interrupted"):
        left = "" if state.left is None else f", about {in_words(state.left)} left"
        say(f"  {directory.name} {state.name} at update {state.done} of {state.updates}{left}")
    elif state.name in ("failed", "diverged"):
        say(f"  {directory.name} {state.name}: {state.reason.partition(chr(10))[0]}")
