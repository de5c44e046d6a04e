"""The process of a side, which makes as many updates as requested and reports how long they took."""

import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection

from gengap.bench.peers import PEERS
from gengap.bench.requests import Requests
from gengap.config.schema import Config
from gengap.errors import UserError

_NO_ROOM = (
    "a measured DataLoader finds no room in shared memory: make /dev/shm larger (docker run --shm-size=2g), "
    "then run the same command again"
)


def main(descriptor: int) -> None:
    """Serve the command at the other end of this file descriptor."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # SIGTERM ends the DataLoader's workers
    with Connection(descriptor) as parent:
        serve(parent)


def serve(parent: Connection) -> None:
    """Answer the parent's requests until it closes the pipe.

    Raises:
        Exception: whatever the updates raise, except lack of shared memory, which is reported to the parent.
    """
    try:
        kind, config = parent.recv()
        _run(kind, config, parent)
    except (EOFError, BrokenPipeError):  # the parent has exited, or was stopped
        return
    except Exception as error:
        from gengap.data.shared_memory import is_full

        if not is_full(error):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # hides a traceback from what is left of the DataLoader
        with suppress(ConnectionError):
            parent.send(UserError(_NO_ROOM))


def _run(kind: str, config: Config, parent: Connection) -> None:
    requests = Requests(parent, config)
    if kind in PEERS:
        peer = PEERS[kind]
        module = import_module(f"gengap.bench.peers.{peer.module}")
        module.train(config, requests, in_memory=peer.in_memory)
        return
    from gengap.bench.loops import LOOPS

    update, engine = LOOPS[kind](config)
    requests.built(engine)
    while True:
        update()
        requests.after_update()


if __name__ == "__main__":
    main(int(sys.argv[1]))
