"""What is being measured, on standard error: on a terminal a line that is overwritten, elsewhere many."""

import shutil
import sys


def show(line: str) -> None:
    """Show a line in place of the last one; an empty one only removes that."""
    if sys.stderr is None:  # closed, as by 2>&-
        return
    if sys.stderr.isatty():
        columns = shutil.get_terminal_size().columns - 1
        print(f"\r{line[:columns]:{columns}}\r", end="", file=sys.stderr, flush=True)
    elif line:
        print(line, file=sys.stderr, flush=True)


def tell(line: str) -> None:
    """Print a line that stays."""
    show("")
    if sys.stderr is not None:
        print(line, file=sys.stderr, flush=True)
