"""How every command ends: with one line for a user's mistake, and silently on Ctrl-C or a closed pipe."""

import errno
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TextIO

from gengap.errors import FAILED, MISTAKE, FaultError, UserError, exit_code, log_error
from gengap.faults import is_of_machine, is_of_memory, machine_error

INTERRUPTED = 128 + signal.SIGINT
CLOSED_PIPE = 128 + signal.SIGPIPE
EXIT_CODE_FILE = "GENGAP_EXIT_CODE_FILE"


def run_command(command: Callable[[], int]) -> int:
    """Run a command; return the exit code.

    Ctrl-C exits the process immediately, because a KeyboardInterrupt inside an import may be swallowed or
    turned into another error. Code that must save or clean up first uses launch.stop.Stop.
    """
    before = signal.signal(signal.SIGINT, _exit_now)
    try:
        code = command()
        sys.stdout.flush()  # flush here, where a closed pipe can still be caught
    except UserError as error:
        log_error(error)
        return exit_code(error)
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
    except (MemoryError, ImportError, RuntimeError) as error:
        if not is_of_memory(error):
            raise
        log_error(FaultError("the machine is out of memory: end other programs, or allow more (ulimit -v)"))
        return FAILED
    except BrokenPipeError:  # as in `| head`
        _discard(sys.stdout, sys.stderr)
        return CLOSED_PIPE
    except OSError as error:
        if not is_of_machine(error):
            raise
        is_here = error.errno == errno.ENOENT  # the error would name a file, see faults.naming
        if error.filename is None and not is_here:
            _discard(sys.stdout)
        log_error(machine_error(error, "the current folder" if is_here else "standard output"))
        return FAILED
    finally:
        signal.signal(signal.SIGINT, before)
    return code


def _is_missing_dependency(error: ModuleNotFoundError) -> bool:
    return error.name is not None and error.name.partition(".")[0] != __package__.partition(".")[0]


def _exit_now(number: int, frame: FrameType | None) -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, RuntimeError):  # closed, or interrupted during a write
            stream.flush()
    os._exit(INTERRUPTED)


def open_standard_streams() -> None:
    """Open standard input, output and error on /dev/null if they are closed, as a daemon's may be.

    Otherwise, the next file to be opened would take the place of one of them, and receive what is printed.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free descriptor
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def _discard(*streams: TextIO) -> None:
    """Redirect buffered output to /dev/null, since flushing it at exit would raise the same error again."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        with suppress(OSError, ValueError):  # the stream may have no file descriptor
            os.dup2(devnull, stream.fileno())


def forget_exit_code(environment: Mapping[str, str]) -> None:
    """Remove $GENGAP_EXIT_CODE_FILE on rank 0, so that none is left from before if this command is killed."""
    if file := _exit_code_file(environment):
        with suppress(OSError):
            file.unlink()


def leave_exit_code(code: int, environment: Mapping[str, str]) -> None:
    """Write rank 0's exit code to $GENGAP_EXIT_CODE_FILE, because torchrun itself only returns 0 or 1."""
    if file := _exit_code_file(environment):
        with suppress(OSError):
            file.write_text(f"{code}\n", encoding="utf-8")


def _exit_code_file(environment: Mapping[str, str]) -> Path | None:
    file = environment.get(EXIT_CODE_FILE, "")
    is_first = environment.get("RANK", environment.get("SLURM_PROCID", "0")) == "0"
    return Path(file) if file and is_first else None
