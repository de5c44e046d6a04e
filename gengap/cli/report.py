"""The `gengap report` command: tables and figures from the records, beside the paper's numbers.

Nothing heavy is imported until there is something to report, and torch never is.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gengap.report.cells import Records

USAGE = "gengap report [results_dir=DIR] [--check]"

HELP = f"""usage: {USAGE}

Writes DIR/report (report.html, README.md, tables, figures and their data) from the records in DIR/runs.

  results_dir=DIR  where the records are (default: results)
  --check          write nothing; fail if DIR/report is not what the records say (figures: their data)
"""


@dataclass(frozen=True)
class Arguments:
    """What was typed after `gengap report`."""

    results_dir: Path = Path("results")
    check: bool = False
    help: bool = False


def parse(args: list[str]) -> Arguments:
    """Read the arguments; the last of a repeated one counts.

    Raises:
        ValueError: an argument is unknown or empty; the message is the line to show.
    """
    results_dir, check = Path("results"), False
    for arg in args:
        key, _, value = arg.partition("=")
        if arg in ("-h", "--help"):
            return Arguments(help=True)
        if arg == "--check":
            check = True
        elif key == "results_dir" and value:
            results_dir = Path(value).expanduser()
        else:
            raise ValueError(f"gengap report: {arg!r} is not an argument; type {USAGE}")
    return Arguments(results_dir, check)


def main(args: list[str]) -> int:
    """Write the report, or compare it with the records.

    Returns:
        The exit code: 0, 1 where --check finds a difference, 2 where the arguments can't be read.
    """
    try:
        arguments = parse(args)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if arguments.help:
        print(HELP, end="")
        return 0
    return _check(arguments.results_dir) if arguments.check else _write(arguments.results_dir)


def _write(results_dir: Path) -> int:
    from gengap.report.apart import unfinished
    from gengap.report.cells import read_records
    from gengap.report.page import write_report

    records = read_records(results_dir)
    _name_unreadable(records)
    if records.runs.empty and not records.unreadable:
        print(_nothing(results_dir))
        return 0
    folder = results_dir / "report"
    write_report(records, folder)
    print(f"{folder}: {len(records.runs)} runs reported; open report.html there, or read README.md")
    left_out = ", ".join(f"{place} ({status})" for *_, status, place in unfinished(records).rows)
    if left_out:
        print(f"not finished, in no mean: {left_out}")
    return 0


def _check(results_dir: Path) -> int:
    from gengap.report.cells import read_records
    from gengap.report.check import compare, written

    records = read_records(results_dir)
    _name_unreadable(records)
    folder = results_dir / "report"
    if records.runs.empty and not records.unreadable and not written(folder):
        print(_nothing(results_dir), file=sys.stderr)
        return 1  # a mistyped folder must not pass for a checked one
    difference = compare(records, folder)
    if difference:
        print(f"{difference}\ntype gengap report results_dir={results_dir}", file=sys.stderr)
        return 1
    print(f"{folder} is what the {len(records.runs)} runs say")
    return 0


def _name_unreadable(records: "Records") -> None:
    for file, reason in records.unreadable:
        print(f"left out: {file} {reason}", file=sys.stderr)


def _nothing(results_dir: Path) -> str:
    return f"no records in {results_dir}; type gengap train +sweep=quickstart results_dir={results_dir}"
