"""`gengap status`: how far every cell is, and the command that fills the gaps."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from gengap.config import run_directory
from gengap.errors import UnreadableError, UserError
from gengap.runs import LOCK, read_record
from gengap.sweep import PREFIX, runs

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
    """Print the status of a sweep's runs, or of all records; return the exit code."""
    if {"-h", "--help"} & set(arguments):
        print("usage: gengap status [+sweep=NAME] [results_dir=DIR] [seed=0,1,2]")
        return 0
    try:
        if any(a.startswith(PREFIX) for a in arguments):
            return _sweep_status(arguments)
        return _store_status(arguments)
    except UserError as error:
        print(f"gengap: {error}", file=sys.stderr)
        return 2


def _store_status(arguments: Sequence[str]) -> int:
    results_dir = "results"
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key != "results_dir" or not value:
            raise UserError(f"gengap status can't use {argument!r}: type [+sweep=NAME] [results_dir=DIR]")
        results_dir = value
    directories = sorted(p.parent for p in Path(results_dir).expanduser().glob("runs/*/seed*/run.json"))
    if not directories:
        print(f"no runs in {results_dir}: start with gengap train +sweep=quickstart")
    cells: dict[str, list[str]] = {}
    for directory in directories:
        cells.setdefault(directory.parent.name, []).append(state(directory))
    _print_table(cells)
    return 0


def _sweep_status(arguments: Sequence[str]) -> int:
    configs = runs(arguments)
    cells: dict[str, list[str]] = {}
    for config in configs:
        directory = run_directory(config)
        cells.setdefault(directory.parent.name, []).append(state(directory))
    _print_table(cells)
    counts = Counter(s for states in cells.values() for s in states)
    if counts["finished"] + counts["diverged"] < len(configs):
        print(f"\ngo on with: gengap train {' '.join(arguments)}")
    return 0


def _print_table(cells: dict[str, list[str]]) -> None:
    if not cells:
        return
    width = max(map(len, cells))
    print(f"{'':{width}}  " + "  ".join(STATES))
    for name, states in cells.items():
        counts = Counter(states)
        print(f"{name:{width}}  " + "  ".join(f"{counts[s] or '·':>{len(s)}}" for s in STATES))
