"""`gengap status`: how far every cell is, and the command that fills the gaps."""

import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from gengap.cli.options import read_options
from gengap.config.compose import run_directory
from gengap.config.schema import deviation
from gengap.config.sweep import PREFIX, runs
from gengap.errors import DONE, MISTAKE, UnreadableError, UserError
from gengap.runs.store import LOCK, read_record

USAGE = """\
usage: gengap status [results_dir=DIR]             every run there is
       gengap status +sweep=NAME [key=value ...]   the runs that gengap train makes of these words
       gengap status +experiment=NAME [seed=0,1,2]"""

NO_CHOICE = ("results_dir=", "data.root=", "runtime.")  # words of a train line that say nothing of which runs
STATES = ("finished", "training", "interrupted", "diverged", "failed", "unreadable", "missing")


def state(directory: Path) -> str:
    """One of STATES: an unfinished run trains while its lock is held and is interrupted otherwise.

    A record that can't be read is named on stderr.
    """
    try:
        record = read_record(directory)
    except UnreadableError as error:
        print(f"gengap: {error}", file=sys.stderr)
        return "unreadable"
    if record is None:
        return "missing"
    if record["status"] != "running":
        return str(record.get("status", "unreadable"))
    try:
        with FileLock(directory / LOCK, timeout=0):
            return "interrupted"
    except Timeout:
        return "training"


def main(arguments: Sequence[str]) -> int:
    """Print the status of the runs that `gengap train` would train, or of all; return the exit code."""
    if {"-h", "--help"} & set(arguments):
        print(USAGE)
        return DONE
    try:
        typed = read_options(arguments).overrides
        if all(word.startswith(NO_CHOICE) for word in typed):
            places = [a.removeprefix("results_dir=") for a in typed if a.startswith("results_dir=")]
            _store_status(places[-1] if places else "results")
        else:
            _sweep_status(typed)
    except UserError as error:
        print(f"gengap: {error}", file=sys.stderr)
        return MISTAKE
    return DONE


def _store_status(results_dir: str) -> None:
    directories = sorted(p.parent for p in Path(results_dir).expanduser().glob("runs/*/seed*/run.json"))
    if not directories:
        start = f"gengap train +sweep=quickstart results_dir={results_dir}"
        print(f"no runs in {results_dir}: start with {start}")
    _print_table(directories, _recorded_mark)


def _sweep_status(typed: Sequence[str]) -> None:
    configs = {run_directory(config): config for config in runs(typed)}
    marks = {place: deviation(config.precision, config.protocol.name) for place, config in configs.items()}
    counts = _print_table(marks, marks.__getitem__)
    if counts["finished"] + counts["diverged"] < len(configs):
        several = ["-m"] if len(configs) > 1 and not any(a.startswith(PREFIX) for a in typed) else []
        print(f"\ngo on with: {shlex.join(['gengap', 'train', *several, *typed])}")


def _recorded_mark(directory: Path) -> str:
    try:
        recorded = (read_record(directory) or {})["config"]
        return deviation(recorded["precision"], recorded["protocol"]["name"])
    except (UnreadableError, KeyError, TypeError):
        return ""  # its state says that it can't be read


def _print_table(directories: Iterable[Path], mark: Callable[[Path], str]) -> Counter[str]:
    """Print a line a cell, marked by its first run; count the states of all runs."""
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
