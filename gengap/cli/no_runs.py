"""What to type if a results directory holds no runs."""

import shlex
from difflib import get_close_matches
from pathlib import Path

from gengap.paths import expanded
from gengap.runs.folders import entries, run_directories


def no_runs(results_dir: str | Path) -> str:
    """Explain in one line why a folder, as typed, holds no runs, and what to type instead."""
    folder = expanded(results_dir)
    if folder.name == "runs" and run_directories(folder.parent)[0]:
        return f"{results_dir} is inside a results directory: type {_setting(folder.parent)}"
    train = f"gengap train +sweep=quickstart {_setting(results_dir)}"
    if folder.exists():
        return f"no runs in {results_dir} yet (a run appears with its first update): start with {train}"
    near = _near(folder)
    advice = f"did you mean {near}?" if near else f"to begin, type {train}"
    return f"{results_dir} does not exist: {advice}"


def _near(folder: Path) -> str:
    """The folder of runs beside a misspelt one, with the most similar name; empty if none is similar."""
    beside = [one.name for one in entries(folder.parent, []) if (one / "runs").is_dir()]
    return "".join(_setting(folder.with_name(name)) for name in get_close_matches(folder.name, beside, n=1))


def _setting(folder: str | Path) -> str:
    return shlex.quote(f"results_dir={folder}")
