"""`gengap status`: the state of every run by cell, and the command that trains what is missing."""

import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from gengap.cli import options
from gengap.cli.train import FLAGS, split_launcher
from gengap.config.identity import run_directory
from gengap.config.schema import deviation
from gengap.config.shipped import compose_run
from gengap.config.sweep import PREFIX, expand
from gengap.errors import DONE, UnreadableError
from gengap.runs import Status, read_record
from gengap.runs.record import LOCK

USAGE = """\
usage: gengap status [results_dir=DIR]             all recorded runs
       gengap status +sweep=NAME [key=value ...]   the runs that gengap train would train with these arguments
       gengap status +experiment=NAME [seed=0,1,2]"""

NOT_SELECTING = ("results_dir=", "data.root=", "runtime.")  # overrides that don't say which runs are meant
STATES = ("finished", "training", "interrupted", "diverged", "failed", "unreadable", "missing")


def main(arguments: Sequence[str]) -> int:
    """Print the states of the selected runs, or of all recorded ones; return the exit code.

    Raises:
        UserError: an invalid argument.
    """
    typed = options.read("status", arguments, FLAGS)
    if typed.asks_for_help:
        print(USAGE)
        return DONE
    words, _ = split_launcher(typed.words)
    if all(word.startswith(NOT_SELECTING) for word in words):
        places = [word.removeprefix("results_dir=") for word in words if word.startswith("results_dir=")]
        _store_status(places[-1] if places else "results")
    else:
        _sweep_status(words)
    return DONE


def state(directory: Path) -> str:
    """The run's state, one of STATES: an unfinished run is training while its lock is held, else interrupted.

    The reason why a record can't be read is printed on stderr.
    """
    try:
        record = read_record(directory)
    except UnreadableError as error:
        print(f"gengap: {error}", file=sys.stderr)
        return "unreadable"
    if record is None:
        return "missing"
    if record["status"] != Status.RUNNING:
        return str(record.get("status", "unreadable"))
    try:
        with FileLock(directory / LOCK, timeout=0):
            return "interrupted"
    except Timeout:
        return "training"


def _store_status(results_dir: str) -> None:
    directories = sorted(p.parent for p in Path(results_dir).expanduser().glob("runs/*/seed*/run.json"))
    if not directories:
        start = f"gengap train +sweep=quickstart results_dir={results_dir}"
        print(f"no runs in {results_dir}: start with {start}")
    _print_table(directories, _recorded_mark)


def _sweep_status(words: Sequence[str]) -> None:
    marks = {}
    for config in map(compose_run, expand(words)):
        marks[run_directory(config)] = deviation(config.precision, config.protocol.name)
    counts = _print_table(marks, marks.__getitem__)
    if counts["finished"] + counts["diverged"] < len(marks):
        several = ["-m"] if len(marks) > 1 and not any(word.startswith(PREFIX) for word in words) else []
        print(f"\ncontinue with: {shlex.join(['gengap', 'train', *several, *words])}")


def _recorded_mark(directory: Path) -> str:
    try:
        recorded = (read_record(directory) or {})["config"]
        return deviation(recorded["precision"], recorded["protocol"]["name"])
    except (UnreadableError, KeyError, TypeError):
        return ""  # shown as unreadable


def _print_table(directories: Iterable[Path], mark: Callable[[Path], str]) -> Counter[str]:
    """Print one line per cell, with the mark of its first run; return how many runs are in each state."""
    cells: dict[str, list[Path]] = {}
    for directory in directories:
        cells.setdefault(directory.parent.name, []).append(directory)
    width = max(map(len, cells), default=0)
    if cells:
        print(f"{'':{width}}  " + "  ".join(STATES))
    total: Counter[str] = Counter()
    for name, seeds in cells.items():
        counts = Counter(map(state, seeds))
        columns = [f"{counts[s] or '·':>{len(s)}}" for s in STATES]
        print("  ".join([f"{name:{width}}", *columns, mark(seeds[0])]).rstrip())
        total += counts
    return total
