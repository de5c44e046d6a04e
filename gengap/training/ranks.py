"""Communication between the processes that train one run together; each process is a rank."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from gengap.errors import UserError
from gengap.training.shared_errors import LostRankError, Told, described, raise_any, tried

T = TypeVar("T")


class Ranks:
    """The ranks of a command, as seen by one of them; by default, a process that trains alone.

    Exchanges give bitwise identical results on all ranks. If an exchange fails, the error is converted by
    `lost` and raised, and `broken` is set: no further exchange is possible.

    Args:
        rank: index of this process.
        size: number of ranks.
        local, local_size: the same two numbers among the ranks on this machine.
        host: process group for tensors on the CPU.
        patient: process group for the same, with a timeout long enough for loading data.
        lost: converts an error, after finding out which rank is lost.
        leave: tells the others why this rank can't go on, and closes the groups.
    """

    def __init__(
        self,
        rank: int = 0,
        size: int = 1,
        local: int = 0,
        local_size: int = 1,
        host: Any = None,
        patient: Any = None,
        lost: Callable[[RuntimeError], LostRankError] | None = None,
        leave: Callable[[Exception], None] | None = None,
    ) -> None:
        self.rank, self.size, self.local, self.local_size = rank, size, local, local_size
        self._host = host
        self._group: Any = host  # for tensors on the device
        self._patient, self._lost, self._leave = patient, lost, leave
        self.broken = False
        self._raised_by_all: Exception | None = None
        self.has_begun = False  # whether the other ranks have been told to train
        self.seconds = 0.0  # time spent exchanging tensors; valid on a GPU only with `synchronize`
        self.synchronize: Callable[[], None] | None = None

    @property
    def is_first(self) -> bool:
        """Whether this is rank 0, the only one that writes files and prints."""
        return self.rank == 0

    def block(self, count: int) -> slice:
        """This rank's part of `count` items, contiguous and without padding."""
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def sum_(self, values: Tensor) -> None:
        """Sum the tensors of all ranks, in place."""
        if self.size > 1:
            with self._exchange():
                dist.all_reduce(values, group=self._group)

    def gather(self, vector: Tensor) -> Tensor:
        """Gather the vectors (n,) of all ranks as (size, n), in rank order."""
        if self.size == 1:
            return vector.unsqueeze(0)
        found = vector.new_empty(self.size * len(vector))
        with self._exchange():
            dist.all_gather_into_tensor(found, vector.contiguous(), group=self._group)
        return found.view(self.size, -1)

    def copy_from_first_(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite tensors with those of rank 0."""
        for tensor in tensors if self.size > 1 else ():
            with self._exchange():
                dist.broadcast(tensor, 0, group=self._group)

    def largest(self, number: int) -> int:
        """Return the largest of the ranks' numbers."""
        if self.size == 1:
            return number
        found = torch.tensor(number)
        with self._exchange():
            dist.all_reduce(found, dist.ReduceOp.MAX, group=self._host)
        return int(found)

    def first(self, act: Callable[[], T]) -> T:
        """Call `act` on rank 0 only; all ranks return its result or raise its error."""
        if self.size == 1:
            return act()
        value, error = tried(act) if self.is_first else (None, None)
        box: list[Any] = [value, described(error)]
        with self._exchange():
            dist.broadcast_object_list(box, 0, group=self._patient)
        self._raise_any(error, {0: box[1]})
        found: T = box[0]
        return found

    def begin(self) -> None:
        """On rank 0, tell the others, which wait in `first`, to train."""
        if self.size > 1 and self.is_first:
            self.has_begun = True
            self.first(lambda: None)

    def together(self, act: Callable[[], T]) -> T:
        """Call `act` on all ranks and return this one's result; an error on any rank is raised on all."""
        if self.size == 1:
            return act()
        value, error = tried(act)
        self._raise_any(error, dict(enumerate(self._gathered(described(error), self._patient))))
        found: T = value  # type: ignore[assignment]
        return found

    def one_per_machine_first(self, act: Callable[[], T]) -> T:
        """Like `together`, but one rank per machine calls `act` before the others, e.g. for a download."""
        found = self.together(lambda: act() if self.local == 0 else None)
        return self.together(lambda: act() if found is None else found)

    def gathered(self, value: T) -> list[T]:
        """Gather the values, which must be picklable, of all ranks in rank order."""
        return [value] if self.size == 1 else self._gathered(value, self._host)

    def _gathered(self, value: T, group: Any) -> list[T]:
        found: list[Any] = [None] * self.size
        with self._exchange():
            dist.all_gather_object(found, value, group=group)
        return found

    def use(self, device: torch.device) -> None:
        """Exchange tensors on this device from now on.

        Raises:
            UserError: the ranks have devices of different types.
        """
        if self.size == 1:
            return
        on_gpu = device.type == "cuda"
        is_shared = on_gpu and self.local_size > torch.cuda.device_count()
        found = self._gathered((on_gpu, is_shared), self._patient)
        if len({has_gpu for has_gpu, _ in found}) > 1:
            raise UserError("some ranks have a GPU and others have none: set runtime.device=cpu")
        # NCCL can't be used by ranks that share a GPU; gloo copies through the host
        if on_gpu and self._group is self._host and not any(shared for _, shared in found):
            self._group = dist.new_group(backend="nccl")

    @contextmanager
    def exchanging(self, *by_all: type[Exception]) -> Iterator[None]:
        """Stop exchanging with the others after an error inside the block, unless all ranks raise it.

        Errors raised by `first` and `together`, and those of types `by_all`, are raised on all ranks.
        """
        try:
            yield
        except by_all:
            raise
        except Exception as error:
            if self.size > 1 and not self.broken and error is not self._raised_by_all:
                self.broken = True
                self._host = self._group = self._patient = None  # a group closes with its last reference
                if self._leave is not None:
                    self._leave(error)
            raise
        finally:
            self._raised_by_all = None  # its traceback would keep every frame alive

    def _raise_any(self, own: Exception | None, told: Mapping[int, Told | None]) -> None:
        """Raise the error, if any, that all ranks are about to raise."""
        try:
            raise_any(own, told)
        except Exception as error:
            self._raised_by_all = error
            raise

    @contextmanager
    def _exchange(self) -> Iterator[None]:
        began = self._now()
        try:
            yield
        except RuntimeError as error:
            self.broken = True
            if self._lost is None:
                raise
            raise self._lost(error) from error
        self.seconds += self._now() - began

    def _now(self) -> float:
        if self.synchronize is not None:
            self.synchronize()
        return time.perf_counter()


ALONE = Ranks()
