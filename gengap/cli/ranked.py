"""`gengap train` on several ranks: only rank 0 prints, and all of them exit with its exit code."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TextIO

from gengap.cli.ending import leave_exit_code, run_command
from gengap.errors import FAILED, UserError, exit_code
from gengap.launch.connection import Connection
from gengap.launch.world import World


def on_every_rank(world: World, command: Callable[[Connection], int]) -> int:
    """Run a command on this rank; return the exit code.

    Raises:
        Exception: whatever the command raises on rank 0, unless it is a UserError.
        UserError: the ranks can't meet.
    """
    return _first(world, command) if world.rank == 0 else _other(world, command, _silenced())


def _first(world: World, command: Callable[[Connection], int]) -> int:
    connection, code = Connection(world), FAILED
    try:
        code = run_command(partial(command, connection))
    finally:
        connection.end(code)
    return _ended(connection, code)


def _other(world: World, command: Callable[[Connection], int], own: TextIO) -> int:
    try:
        connection = Connection(world)
    except UserError as error:
        print(f"gengap: rank {world.rank}: {error}", file=own, flush=True)
        return exit_code(error)
    try:
        code = command(connection)
    except Exception as error:
        connection.leave(error)
        code = exit_code(error)
    code, speaks = connection.end(code)
    if speaks and connection.own_error:
        print(f"gengap: rank {world.rank}: {connection.own_error}", file=own, flush=True)
    return _ended(connection, code)


def _ended(connection: Connection, code: int) -> int:
    """Return the exit code, or exit immediately if torch would wait for exchanges that never end."""
    if connection.is_broken:
        leave_exit_code(code, os.environ)
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    return code


def _silenced() -> TextIO:
    """Discard everything this process prints; return its original standard error."""
    own, nowhere = sys.stderr, Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    with suppress(OSError):
        os.dup2(nowhere.fileno(), 1)
    sys.stdout = sys.stderr = nowhere
    return own
