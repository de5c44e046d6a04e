"""The place of a run among those of its command."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gengap.training.ranks import Ranks


@dataclass(frozen=True)
class Place:
    """Run `number` of the `runs` of a command, as its lines show.

    opens_cell: no earlier one was of the same cell, so that what holds for the whole cell is said once.
    threads: on a CPU, where neither configuration nor record says; torch's own number when None.
    ranks: that train it together; None for this process alone.
    """

    number: int = 1
    runs: int = 1
    opens_cell: bool = True
    threads: int | None = None
    ranks: "Ranks | None" = None

    def __str__(self) -> str:
        return f" (run {self.number} of {self.runs})" if self.runs > 1 else ""


ALONE = Place()
