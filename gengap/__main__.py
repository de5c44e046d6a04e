"""The `gengap` command. Subcommands import what they need, so that help is immediate."""

import sys
from importlib import import_module

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
    command, *rest = sys.argv[1:] or ["--help"]
    if command in ("-sc", "--shell-completion"):
        from gengap.cli.completion import complete
        from gengap.errors import DONE, MISTAKE, UserError, log_error

        try:
            complete(rest, COMMANDS)
        except UserError as error:
            log_error(error)
            sys.exit(MISTAKE)
        sys.exit(DONE)
    if command in COMMANDS:
        sys.exit(import_module(f"gengap.cli.{command}").main(rest))
    if command in ("-h", "--help"):
        print(USAGE)
        sys.exit(0)
    if command in ("-V", "--version"):
        from importlib.metadata import version

        print(f"gengap {version('gengap')}")
        sys.exit(0)
    from difflib import get_close_matches

    near = [f"did you mean {c}? " for c in get_close_matches(command, COMMANDS, n=1)]
    print(f"gengap: there is no command {command!r}: {''.join(near)}gengap --help lists all", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
