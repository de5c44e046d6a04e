"""How every command ends: one line for a user's mistake, silence for Ctrl-C and a closed pipe."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from gengap.errors import MISTAKE, UserError, log_error

INTERRUPTED = 128 + signal.SIGINT
CLOSED_PIPE = 128 + signal.SIGPIPE


def run_command(command: Callable[[], int]) -> int:
    """Run a command; return the exit code.

    Ctrl-C exits the process at once, because a KeyboardInterrupt inside an import may be swallowed or turned
    into another error. Code that must save or clean up first uses launch.stop.Stop.
    """
    before = signal.signal(signal.SIGINT, _exit_now)
    try:
        code = command()
        sys.stdout.flush()  # here, where a closed pipe can still be caught
    except UserError as error:
        log_error(error)
        return MISTAKE
    except ModuleNotFoundError as error:
        if not _is_missing_dependency(error):
            raise
        log_error(
            UserError(
                f"the module {error.name} is missing: install gengap with its dependencies "
                "(without pip's --no-deps; in a clone, type scripts/venv)"
            )
        )
        return MISTAKE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # as in `| head`
        _discard_output()
        return CLOSED_PIPE
    finally:
        signal.signal(signal.SIGINT, before)
    return code


def _is_missing_dependency(error: ModuleNotFoundError) -> bool:
    return error.name is not None and error.name.partition(".")[0] != __package__.partition(".")[0]


def _exit_now(number: int, frame: FrameType | None) -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, RuntimeError):  # closed, or interrupted in the middle of a write
            stream.flush()
    os._exit(INTERRUPTED)


def _discard_output() -> None:
    """Send buffered output to /dev/null, or flushing it at exit would raise BrokenPipeError again."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a stream without a file descriptor
            os.dup2(devnull, stream.fileno())
