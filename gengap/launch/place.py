"""Which run of its command a run is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Run `number` of the `runs` of a command; opens_cell: no earlier one was of the same cell."""

    number: int = 1
    runs: int = 1
    opens_cell: bool = True

    def __str__(self) -> str:
        return f" (run {self.number} of {self.runs})" if self.runs > 1 else ""


ALONE = Place()
