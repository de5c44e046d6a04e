"""`gengap report`: tables and figures from the records, next to the paper's numbers.

torch is never imported; pandas and matplotlib are imported only when needed.
"""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gengap.cli import options
from gengap.cli.no_runs import no_runs
from gengap.errors import DONE, FAILED, counted
from gengap.paths import expanded
from gengap.terminal import say

if TYPE_CHECKING:
    from gengap.report.cells import Records

CHECK = "--check"
CONFIG_DIR = "--config-dir"
KEYS = ("results_dir",)
SPEC = options.Spec("report", flags=(CHECK,), settings={f"-cd, {CONFIG_DIR}": ()}, keys=KEYS)

HELP = """\
usage: gengap report [results_dir=DIR] [--check] [--config-dir DIR]

Writes DIR/report (report.html, README.md, tables, figures and their data) from the records in DIR/runs
(gengap train), DIR/landscape (gengap landscape) and DIR/bench (gengap bench).

  results_dir=DIR  folder of the records (default: results)
  --check          write nothing; fail if DIR/report does not match the records (for figures, only their data
                   is compared), or if a record can't be read
  --config-dir DIR your own experiments, as given to gengap train
"""


def main(arguments: Sequence[str]) -> int:
    """Write the report, or compare it with the records.

    Returns:
        The exit code: 0, or 1 if there is nothing to report or --check finds a difference or an unreadable
        record.

    Raises:
        UserError: an argument is unknown or empty, or the folder of all runs or measurements can't be read.
    """
    typed = options.read(SPEC, arguments)
    if typed.asks_for_help:
        print(HELP, end="")
        return DONE
    results_dir = expanded(typed.values(KEYS).get("results_dir", "results"))
    if typed.settings[CONFIG_DIR]:
        from gengap.config.conf import add_config_dirs

        add_config_dirs(typed.settings[CONFIG_DIR])
    if CHECK in typed.flags:
        return _check(results_dir, typed.settings[CONFIG_DIR])
    return _write(results_dir)


def _write(results_dir: Path) -> int:
    from gengap.report.cells import read_records
    from gengap.report.other_runs import incomparable, unfinished
    from gengap.report.page import write_report

    records = read_records(results_dir)
    _name_unreadable(records)
    if records.is_empty:
        say(_nothing(records, results_dir), sys.stderr)
        return FAILED
    folder = results_dir / "report"
    if sys.stderr.isatty():
        say(f"{folder}: drawing the figures, which can take a minute", sys.stderr)
    write_report(records, folder)
    count = counted(len(records.runs), "run")
    if records.landscape:
        count += f" and {counted(len(records.landscape), 'record')} of gengap landscape"
    say(f"{folder}: {count} reported; open report.html or README.md")
    left_out = ", ".join(f"{place} ({status})" for *_, status, place in unfinished(records).rows)
    if left_out:
        say(f"not finished, excluded from all means: {left_out}")
    for column, differs in (
        ("data", "trained on different data from"),
        ("network", "of a different network from"),
    ):
        places = ", ".join(place for *_, place in incomparable(records, column).rows)
        if places:
            say(f"{differs} most runs, excluded from all means: {places}")
    return DONE


def _check(results_dir: Path, config_dirs: Sequence[str]) -> int:
    from gengap.report.cells import read_records
    from gengap.report.check import compare, written
    from gengap.report.other_runs import own_workloads

    records = read_records(results_dir)
    _name_unreadable(records)
    folder = results_dir / "report"
    if records.is_empty and not written(folder):
        say(_nothing(records, results_dir), sys.stderr)
        return FAILED  # a mistyped folder must not count as checked
    difference = compare(records, folder)
    if difference:
        given = (word for directory in config_dirs for word in (CONFIG_DIR, directory))
        again = shlex.join(["gengap", "report", f"results_dir={results_dir}", *given])
        own = own_workloads(records).rows and not config_dirs
        hint = f"; a report written with {CONFIG_DIR} DIR is checked with it" if own else ""
        print(difference, file=sys.stderr)
        say(f"type {again}{hint}", sys.stderr)
    if difference or records.unreadable:
        return FAILED
    say(f"{folder} matches the records of {len(records.runs)} runs")
    return DONE


def _name_unreadable(records: "Records") -> None:
    for file, reason in records.unreadable:
        say(f"left out: {file} {reason}", sys.stderr)


def _nothing(records: "Records", results_dir: Path) -> str:
    if records.unreadable:
        return f"no record in {results_dir} can be read: no report is written"
    return no_runs(results_dir)
