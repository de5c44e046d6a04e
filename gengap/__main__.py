"""The `gengap` command. Subcommands are imported only when they run, so that --help prints at once."""

import os
import sys
import time
from collections.abc import Sequence
from importlib import import_module

from gengap import __version__
from gengap.cli.ending import forget_exit_code, leave_exit_code, open_standard_streams, run_command
from gengap.errors import DONE, UserError
from gengap.terminal import guard_output

USAGE = """\
usage: gengap COMMAND [ARGUMENTS]

  gengap train +experiment=mnist_lb_gbn results_dir=mine [seed=3]  train one cell of a table
  gengap train +sweep=quickstart results_dir=mine                  train a whole table, all seeds
  gengap status [+sweep=NAME] [results_dir=DIR]                    list finished and missing runs
  gengap report [results_dir=DIR] [--check]                        write tables and figures from the records
  gengap landscape sharpness +experiment=mnist_sb                  measure the loss around trained networks
  gengap plan small_batch=256 large_batch=4096 lr=0.1 ...          move your own recipe to a larger batch
  gengap bench [workload=NAME]                                     measure this machine's training speed
  gengap prepare imagenet [data.root=DIR]                          pack photographs into one smaller file

`gengap train --help` lists experiments, sweeps and every key.
Tab completion: eval "$(gengap -sc install=bash)", or with zsh or fish instead of bash."""

COMMANDS = ("train", "status", "report", "landscape", "plan", "bench", "prepare")


def main() -> None:
    """Run a subcommand and exit with its code."""
    started = time.time()
    open_standard_streams()
    guard_output()
    forget_exit_code(os.environ)
    code = run_command(lambda: dispatch(sys.argv[1:], started))
    leave_exit_code(code, os.environ)
    sys.exit(code)


def dispatch(arguments: Sequence[str], started: float) -> int:
    """Run a subcommand; return its exit code.

    Args:
        arguments: the command line after `gengap`.
        started: time.time() at the start of the command, from which the time budget counts.

    Raises:
        UserError: the command is unknown, or doesn't accept the arguments.
    """
    command, *rest = arguments or ["--help"]
    if command in COMMANDS and rest[:1] in (["-V"], ["--version"]):
        command = "--version"
    if command in ("train", "landscape"):
        return int(import_module(f"gengap.cli.{command}").main(rest, started))
    if command in COMMANDS:
        return int(import_module(f"gengap.cli.{command}").main(rest))
    if command in ("-sc", "--shell-completion"):
        from gengap.cli.completion import complete

        complete(rest, COMMANDS)
    elif command in ("-h", "--help"):
        print(USAGE)
    elif command in ("-V", "--version"):
        print(f"gengap {__version__}")
    else:
        from difflib import get_close_matches

        near = get_close_matches(command, COMMANDS, n=1)
        advice = f"did you mean {near[0]}?" if near else "type gengap --help for the list"
        raise UserError(f"unknown command {command!r}: {advice}")
    return DONE


if __name__ == "__main__":
    main()
