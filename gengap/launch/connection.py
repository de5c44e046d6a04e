"""How the ranks of a command meet, find out which of them are lost, and end together."""

import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import torch.distributed as dist
from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

from gengap.cores import usable_cores
from gengap.errors import UserError
from gengap.faults import MachineError
from gengap.launch.failure import as_user_error
from gengap.launch.world import World
from gengap.training.device import DEFAULT_THREADS
from gengap.training.ranks import Ranks
from gengap.training.shared_errors import LostRankError

MEETING = 300.0  # seconds to wait for all ranks to arrive
LOADING = 3600.0  # seconds allowed for loading data, if runtime.rank_timeout is shorter
GRACE = 5.0  # seconds a rank has to report that it is alive after an exchange has failed
_AGAIN = "run the same command again to go on from the last checkpoint"


class Connection:
    """This process's connection to the other ranks of its command.

    Raises:
        UserError: the address where they meet is unknown.
        MachineError: rank 0 can't be reached there.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._others = [rank for rank in range(world.size) if rank != world.rank]
        self._timeout = MEETING
        self._ranks: Ranks | None = None
        self._missing: list[int] = []
        self.own_error = ""  # error that ended this rank, if different from what ended the others
        try:
            socket.getaddrinfo(world.address, world.port)
        except OSError as error:
            raise UserError(
                f"the ranks are to meet at {world.address}, which is no machine's name here: set MASTER_ADDR "
                "to the address of rank 0's machine"
            ) from error
        try:
            store = TCPStore(
                world.address,
                world.port,
                world.size,
                is_master=world.is_host,
                timeout=timedelta(seconds=MEETING),
                wait_for_workers=False,
            )
        except RuntimeError as error:
            raise MachineError(f"no rank 0 at {world.address}:{world.port} after {MEETING:g} s") from error
        self._store = PrefixStore(f"gengap/{world.attempt}", store)
        self._store.set(f"host/{world.rank}", socket.gethostname())

    def open(self, timeout: float) -> Ranks:
        """Wait for all ranks and return them; an exchange may take up to `timeout` seconds.

        Raises:
            MachineError: not all ranks have arrived.
            LostRankError: a rank has exited.
        """
        world, self._timeout = self.world, timeout
        self._meet()
        try:
            dist.init_process_group(
                "gloo",
                store=PrefixStore("group", self._store),
                rank=world.rank,
                world_size=world.size,
                timeout=timedelta(seconds=timeout),
            )
            everyone = list(range(world.size))
            host, patient = (
                dist.new_group(everyone, backend="gloo", timeout=timedelta(seconds=seconds))
                for seconds in (timeout, max(timeout, LOADING))
            )
        except RuntimeError as error:
            raise self._lost(error) from error
        self._ranks = Ranks(
            world.rank,
            world.size,
            world.local,
            world.local_size,
            host,
            patient,
            self._lost,
            self.leave,
        )
        return self._ranks

    def threads(self) -> int:
        """This rank's share of the machine's cores, at most torch's default number of threads."""
        return max(1, min(DEFAULT_THREADS, usable_cores() // self.world.local_size))

    def leave(self, error: Exception) -> None:
        """Tell the others why this rank is ending, and let them notice that it ends."""
        error = as_user_error(error, Path())
        self.own_error = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        if isinstance(error, LostRankError):
            return
        with suppress(RuntimeError):
            self._store.set(f"cause/{self.world.rank}", self.own_error)
            self._store.set(f"alive/{self.world.rank}", "")
            if dist.is_initialized():
                dist.destroy_process_group()

    def end(self, code: int) -> tuple[int, bool]:
        """End with the exit code of rank 0, which reports on behalf of all.

        Returns:
            The exit code, and whether this rank has to report its error itself.
        """
        world = self.world
        broken = self._ranks is not None and self._ranks.broken
        if dist.is_initialized() and not broken:
            dist.destroy_process_group()
        try:
            if world.rank == 0:
                self._store.set("end", str(code))
                if world.is_host:  # the store disappears with this process
                    left = [rank for rank in self._others if rank not in self._missing]
                    self._wait([f"gone/{rank}" for rank in left], GRACE)
                return code, True
            self._store.set(f"alive/{world.rank}", "")
            if self._wait(["end"], GRACE + (0 if 0 in self._missing else self._timeout)):
                code = int(self._store.get("end"))
                self._store.set(f"gone/{world.rank}", "")
                return code, False
        except RuntimeError:  # the store is gone, and rank 0 with it
            self._missing = self._missing or [0]
        # Only one of the ranks that find rank 0 lost reports it
        return code, world.rank == min({*range(world.size)} - {0, *self._missing}, default=world.rank)

    @property
    def is_broken(self) -> bool:
        """Whether an exchange has failed, so that torch may wait forever for pending operations."""
        return self._ranks is not None and self._ranks.broken

    def _meet(self) -> None:
        """Wait for all ranks, any of which may already have ended for reasons of its own."""
        self._store.set(f"ready/{self.world.rank}", "")
        deadline = time.monotonic() + MEETING
        while not self._wait([f"ready/{rank}" for rank in self._others], 1.0):
            if cause := self._cause():
                raise cause
            if time.monotonic() > deadline:
                missing = [r for r in self._others if not self._store.check([f"ready/{r}"])]
                raise MachineError(f"{self._named(missing)} not come after {MEETING:g} s")

    def _wait(self, keys: Sequence[str], seconds: float) -> bool:
        try:
            self._store.wait(list(keys), timedelta(seconds=seconds))
        except dist.DistStoreError:
            return False
        return True

    def _lost(self, error: RuntimeError) -> LostRankError:
        """Find out which rank is lost after a failed exchange: one that doesn't report that it is alive."""
        try:
            self._store.set(f"alive/{self.world.rank}", "")
            self._wait([f"alive/{rank}" for rank in self._others], GRACE)
            self._missing = [r for r in self._others if not self._store.check([f"alive/{r}"])]
            if cause := self._cause():
                return cause
            named = self._named(self._missing)
        except RuntimeError:
            self._missing = [0]
            named = "rank 0 has"
        if not self._missing:
            return LostRankError(f"the ranks have lost each other ({str(error).splitlines()[0]}): {_AGAIN}")
        if "imed out" in str(error):
            return LostRankError(f"{named} not answered for {self._timeout:g} s: {_AGAIN}")
        return LostRankError(f"{named} ended unexpectedly (killed, as when memory runs out?): {_AGAIN}")

    def _cause(self) -> LostRankError | None:
        for rank in self._others:
            if self._store.check([f"cause/{rank}"]):
                text = self._store.get(f"cause/{rank}").decode(errors="replace")
                return LostRankError(f"rank {rank} on {self._host(rank)}: {text}")
        return None

    def _named(self, ranks: Sequence[int]) -> str:
        """Subject and verb of a message: "rank 2 on HOST has", "ranks 2 on HOST and 3 on HOST have"."""
        names = [f"{rank} on {self._host(rank)}" for rank in ranks]
        return f"rank {names[0]} has" if len(names) == 1 else f"ranks {' and '.join(names)} have"

    def _host(self, rank: int) -> str:
        known = self._store.check([f"host/{rank}"])
        return self._store.get(f"host/{rank}").decode(errors="replace") if known else "a machine unknown"
