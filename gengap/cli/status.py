"""`gengap status`: the state of every run by cell, and the command that trains what is missing."""

import json
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from gengap.cli.options import Typed
from gengap.cli.train import CONFIG_DIR, read, split_launcher
from gengap.config.identity import recorded_differences, run_directory
from gengap.config.schema import deviation
from gengap.config.shipped import choices, compose_run, experiment_config, experiments
from gengap.config.sweep import PREFIX, expand
from gengap.duration import in_words
from gengap.errors import DONE, UserError
from gengap.runs.state import STATES, RunState, run_state

USAGE = """\
usage: gengap status [results_dir=DIR]             all recorded runs
       gengap status +sweep=NAME [key=value ...]   the runs that gengap train would train with these arguments
       gengap status +experiment=NAME [seed=0,1,2]

Below the counts of a cell stand its runs that have not finished. "differs in" names the settings that are not
those of the cell of the same workload and method."""

NOT_SELECTING = ("results_dir=", "data.root=", "runtime.")  # overrides that don't say which runs are meant


def main(arguments: Sequence[str]) -> int:
    """Print the states of the selected runs, or of all recorded ones; return the exit code.

    Raises:
        UserError: an invalid argument.
    """
    typed = read(arguments, "status")
    if typed.asks_for_help:
        print(USAGE)
        return DONE
    words, _ = split_launcher(typed.words)
    if all(word.startswith(NOT_SELECTING) for word in words):
        places = [word.removeprefix("results_dir=") for word in words if word.startswith("results_dir=")]
        _store_status(places[-1] if places else "results")
    else:
        _sweep_status(typed, words)
    return DONE


def _store_status(results_dir: str) -> None:
    directories = sorted(p.parent for p in Path(results_dir).expanduser().glob("runs/*/seed*/run.json"))
    if not directories:
        start = f"gengap train +sweep=quickstart results_dir={results_dir}"
        print(f"no runs in {results_dir}: start with {start}")
    _print_cells(directories)


def _sweep_status(typed: Typed, words: Sequence[str]) -> None:
    directories = [run_directory(config) for config in map(compose_run, expand(words))]
    counts = _print_cells(directories)
    if counts["finished"] + counts["diverged"] < len(directories):
        is_sweep = any(word.lstrip("+").startswith(PREFIX.lstrip("+")) for word in words)
        several = ["-m"] if len(directories) > 1 and not is_sweep else []
        folders = [word for folder in typed.settings[CONFIG_DIR] for word in (CONFIG_DIR, folder)]
        print(f"\ncontinue with: {shlex.join(['gengap', 'train', *folders, *several, *words])}")


def _print_cells(directories: Iterable[Path]) -> Counter[str]:
    """Print one line per cell and one per unfinished run; return how many runs are in each state."""
    cells: dict[str, dict[Path, RunState]] = {}
    for directory in directories:
        cells.setdefault(directory.parent.name, {})[directory] = run_state(directory)
    width = max(map(len, cells), default=0)
    if cells:
        print(f"{'':{width}}  " + "  ".join((*STATES, f"{'accuracy %':14}", "differs in")))
    total: Counter[str] = Counter()
    for name, runs in cells.items():
        counts = Counter(state.name for state in runs.values())
        columns = [f"{counts[s] or '·':>{len(s)}}" for s in STATES]
        recorded = next((state.record for state in runs.values() if state.record), {})
        words = [f"{name:{width}}", *columns, f"{_accuracy(runs.values()):14}", differences(recorded)]
        print("  ".join(words).rstrip())
        for directory, state in runs.items():
            _print_unfinished(directory, state)
        total += counts
    return total


def _accuracy(runs: Iterable[RunState]) -> str:
    """`mean ± std` over the finished runs; no ± for one, empty for none."""
    values = [run.accuracy for run in runs if run.accuracy is not None]
    if not values:
        return ""
    return f"{fmean(values):.2f}" + (f" ± {stdev(values):.2f}" if len(values) > 1 else "")


def _print_unfinished(directory: Path, state: RunState) -> None:
    if state.name == "unreadable":
        print(f"gengap: {state.reason}", file=sys.stderr)
    elif state.name in ("training", "interrupted"):
        left = "" if state.left is None else f", about {in_words(state.left)} left"
        print(f"  {directory.name} {state.name} at update {state.done} of {state.updates}{left}")
    elif state.name in ("failed", "diverged"):
        print(f"  {directory.name} {state.name}: {state.reason.partition(chr(10))[0]}")


def differences(record: Mapping[str, Any]) -> str:
    """What a run differs in from the cell of its workload and method, as `key=value`; empty for the cell.

    A precision or protocol that the paper doesn't state comes first, by its name alone.
    """
    try:
        config, found = record["config"], (record["workload"], record["method"])
        protocol, precision = config["protocol"]["name"], config["precision"]
        mark = deviation(precision, protocol)
        experiment = _cells().get(found, "")
        changed = recorded_differences(config, experiment_config(experiment, protocol)) if experiment else {}
    except (KeyError, TypeError, AttributeError, UserError):
        return ""  # of a damaged record, or a protocol that is no longer there
    changed.pop("precision", None)
    words = [f"{key}={_typed(value)}" for key, value in sorted(changed.items())]
    return " ".join([mark, *words] if mark else words)


@cache
def _cells() -> dict[tuple[str, str], str]:
    """The experiment of each workload and method: the one with the shortest name, others are for figures."""
    longest_first = sorted(experiments(), key=len, reverse=True)
    return {choices(name): name for name in longest_first}


def _typed(value: Any) -> str:
    return json.dumps(value, separators=(",", ":")).replace('"', "")
