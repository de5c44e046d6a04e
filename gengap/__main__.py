"""The `gengap` command. Subcommands import what they need, so that help is immediate."""

import sys
import time
from collections.abc import Sequence
from importlib import import_module

from gengap.cli.ending import run_command
from gengap.errors import DONE, UserError

USAGE = """\
usage: gengap COMMAND [ARGUMENTS]

  gengap train +experiment=mnist_lb_gbn [seed=3] [key=value ...]   one cell of a table
  gengap train +sweep=quickstart                                   a whole table, seeds included
  gengap status [+sweep=NAME] [results_dir=DIR]                    what is done, what is missing
  gengap report [results_dir=DIR] [--check]                        tables and figures from the records
  gengap plan small_batch=256 large_batch=4096 lr=0.1 ...          your own recipe at a larger batch
  gengap bench [workload=NAME]                                     how fast this machine trains

`gengap train --help` lists experiments, sweeps and every key.
Tab completion for this shell: eval "$(gengap -sc install=bash)"; zsh and fish likewise."""

COMMANDS = ("train", "status", "report", "plan", "bench")


def main() -> None:
    """Run a subcommand and exit with its code."""
    started = time.time()
    sys.exit(run_command(lambda: dispatch(sys.argv[1:], started)))


def dispatch(arguments: Sequence[str], started: float) -> int:
    """Run the subcommand that the arguments name; return its exit code.

    Args:
        arguments: the words after `gengap`.
        started: when the command began, as time.time() counts; a time budget counts from here.

    Raises:
        UserError: there is no such command, or it can't take its arguments.
    """
    command, *rest = arguments or ["--help"]
    if command == "train":
        return int(import_module("gengap.cli.train").main(rest, started))
    if command in COMMANDS:
        return int(import_module(f"gengap.cli.{command}").main(rest))
    if command in ("-sc", "--shell-completion"):
        from gengap.cli.completion import complete

        complete(rest, COMMANDS)
    elif command in ("-h", "--help"):
        print(USAGE)
    elif command in ("-V", "--version"):
        from importlib.metadata import version

        print(f"gengap {version('gengap')}")
    else:
        from difflib import get_close_matches

        near = [f"did you mean {c}? " for c in get_close_matches(command, COMMANDS, n=1)]
        raise UserError(f"there is no command {command!r}: {''.join(near)}gengap --help lists them")
    return DONE


if __name__ == "__main__":
    main()
