"""The position of a run among those of its command."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gengap.training.ranks import Ranks


@dataclass(frozen=True)
class Place:
    """Run `number` of the `runs` in a command, as shown in its log lines.

    opens_cell: whether it is the first run of its cell, so that what applies to the whole cell is logged
    once. threads: number of threads on a CPU if neither configuration nor record sets it; None for torch's
    default. ranks: ranks that train the run together; None for this process alone.
    """

    number: int = 1
    runs: int = 1
    opens_cell: bool = True
    threads: int | None = None
    ranks: "Ranks | None" = None

    def __str__(self) -> str:
        return f" (run {self.number} of {self.runs})" if self.runs > 1 else ""


ALONE = Place()
