"""Track photographs that can't be decoded, and raise an error if there are too many."""

import logging
from collections.abc import Iterable, Mapping

from gengap.errors import counted
from gengap.faults import MachineError

log = logging.getLogger(__name__)


class Undecoded(dict[str, str]):
    """Maps the names of photographs that can't be decoded to the reasons why.

    Args:
        most: largest number allowed; beyond it, all methods raise MachineError.

    Attributes:
        has_new: whether this process has added entries it has not yet merged with those of other ranks.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self.has_new = False

    def add(self, name: str, line: str) -> None:
        """Add a photograph, counting it only once."""
        if name not in self:
            self.has_new = True
            self._count(name, line)
            self._check()

    def count_earlier(self, names: Iterable[str]) -> None:
        """Add the photographs that earlier parts of the run found, without a message for each."""
        self.update({name: f"{name}, found earlier in this run" for name in names})
        self._check()

    def merge(self, found: Iterable[Mapping[str, str]]) -> None:
        """Add the photographs found by all ranks."""
        for names in found:
            for name, line in names.items():
                if name not in self:
                    self._count(name, line)
        self.has_new = False
        self._check()

    def _count(self, name: str, line: str) -> None:
        self[name] = line
        if len(self) <= self._most:
            log.warning("%s; the next photograph is taken instead", line)

    def _check(self) -> None:
        if len(self) > self._most:
            raise MachineError(
                f"{counted(len(self), 'photograph')} can't be decoded, more than data.bad_photographs="
                f"{self._most} (the last: {list(self.values())[-1]}): raise it to replace them by others, "
                "and run the same command again; or restore them, and remove the run's folder to start over"
            )
