"""Show on standard error what is being measured: one line, overwritten, on a terminal, else many."""

import shutil
import sys


def show(line: str) -> None:
    """Show a line in place of the last one; an empty line only removes the last one."""
    if sys.stderr is None:  # closed, as by 2>&-
        return
    if sys.stderr.isatty():
        columns = shutil.get_terminal_size().columns - 1
        print(f"\r{line[:columns]:{columns}}\r", end="", file=sys.stderr, flush=True)
    elif line:
        print(line, file=sys.stderr, flush=True)


def tell(line: str) -> None:
    """Print a line that is not overwritten."""
    show("")
    if sys.stderr is not None:
        print(line, file=sys.stderr, flush=True)
