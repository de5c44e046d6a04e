"""How every command ends: a user's mistake in one line, Ctrl-C and a closed pipe without a word."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from gengap.errors import MISTAKE, UserError, log_error

INTERRUPTED = 128 + signal.SIGINT
CLOSED_PIPE = 128 + signal.SIGPIPE


def run_command(command: Callable[[], int]) -> int:
    """Run a command to its end; return the exit code.

    Ctrl-C ends the process at once: an exception would come out of an import as any other error, if at all.
    Where something has to be saved or tidied up first, `raising_interrupts` or launch.stop.Stop take over.
    """
    before = signal.signal(signal.SIGINT, _leave)
    try:
        code = command()
        sys.stdout.flush()  # here, and not when the interpreter ends, a closed pipe can still be caught
    except UserError as error:
        log_error(error)
        return MISTAKE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `| head` has read enough
        _discard_output()
        return CLOSED_PIPE
    finally:
        signal.signal(signal.SIGINT, before)
    return code


@contextmanager
def raising_interrupts() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt inside the block, so that it can be tidied up after."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _leave(number: int, frame: FrameType | None) -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, RuntimeError):  # closed, or amid a write
            stream.flush()
    os._exit(INTERRUPTED)


def _discard_output() -> None:
    """Let what is still buffered go nowhere: Python would complain about it when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a stream without a file behind it
            os.dup2(nowhere, stream.fileno())
