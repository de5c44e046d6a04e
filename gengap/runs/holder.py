"""The process that holds a claim, and whether it is known to have ended."""

import json
import os
import socket
import sys
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Holder:
    """The process that made a claim.

    machine identifies its boot and PID namespace, if the system provides them; a pid is meaningless in any
    other. began is when the process started, in system clock ticks, since a pid may be reused.
    """

    host: str
    machine: str
    pid: int
    began: str
    token: str  # unique to this claim

    @classmethod
    def this_process(cls) -> "Holder":
        """Describe this process, with a new token."""
        return cls(*_place(), os.getpid(), _began(os.getpid()), uuid.uuid4().hex)

    @classmethod
    def read(cls, file: Path) -> "Holder | None":
        """Read who made a claim; None if the file is still being written or was cut off.

        Raises:
            OSError: the file can't be read.
        """
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            return cls(**{field.name: found[field.name] for field in fields(cls)})
        except (ValueError, TypeError, KeyError):
            return None

    def written(self) -> str:
        """Content of the holder's claim file."""
        return json.dumps(asdict(self))

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    def is_dead(self) -> bool:
        """Whether the process is known to have ended; always False on any machine but its own."""
        if (self.host, self.machine) != _place() or os.name != "posix":
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        return _began(self.pid) != self.began


@cache
def _place() -> tuple[str, str]:
    """Host name, and identifiers of its boot and PID namespace."""
    parts = []
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))  # noqa: PTH115
    return socket.gethostname(), " ".join(parts) or sys.platform


def _began(pid: int) -> str:
    """Start time of a process; empty if the system doesn't provide it, `ended` for a zombie."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "ended" if words[0] in "ZX" else words[19]
