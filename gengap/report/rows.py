"""The rows of the tables: a name from the paper, or a workload, at a precision and protocol."""

from enum import StrEnum
from typing import NamedTuple

from gengap.config.checks import PRECISIONS
from gengap.config.schema import FP32, PAPER, deviation
from gengap.paper import tables as paper

OTHER_PRECISIONS = tuple(p for p in PRECISIONS if p != FP32)
RELEASED = "bigbatch"  # the released code's protocol
# Precision and protocol of the rows with the same name: as the paper states them, or differing in one
KINDS = ((FP32, PAPER), *((precision, PAPER) for precision in OTHER_PRECISIONS), (FP32, RELEASED))


class Part(StrEnum):
    """Rows that share a section of the report and its files; the value is the stem of these."""

    TABLE1 = "table1"
    TABLE2 = "table2"
    DEMO = "demo"
    OTHER = "other"

    @property
    def heading(self) -> str:
        """The heading of the section."""
        return _HEADINGS[self]


_HEADINGS = {
    Part.TABLE1: "Table 1", Part.TABLE2: "Table 2", Part.DEMO: "Demo", Part.OTHER: "Other workloads",
}  # fmt: skip
PAPER_TABLES = {Part.TABLE1: 1, Part.TABLE2: 2}


def part_of(name: str) -> Part:
    """Where a row or a workload belongs."""
    tables = (part for part, number in PAPER_TABLES.items() if name in paper.rows(number))
    return next(tables, Part.DEMO if name in paper.DEMOS else Part.OTHER)


class Row(NamedTuple):
    """A row of the tables: its name (that of a published row or a workload), precision and protocol."""

    name: str
    precision: str = FP32
    protocol: str = PAPER
    overrides: str = ""  # other settings that differ, `data.limit=12000`; empty in the paper's tables

    @property
    def deviation(self) -> str:
        """The precision, protocol and other settings that differ from the paper's; empty if none does."""
        found = (deviation(self.precision, self.protocol), self.overrides)
        return ", ".join(part for part in found if part)

    @property
    def label(self) -> str:
        """The key, marked with its deviation: `mnist_f1 (bf16)`."""
        return marked(self.name, self.deviation)

    @property
    def title(self) -> str:
        """The name that readers see, marked in the same way: `F1, MNIST (bf16)`."""
        return marked(paper.title(self.name), self.deviation)


def marked(name: str, deviation: str) -> str:
    """The name, followed by the deviation in parentheses, if there is one."""
    return f"{name} ({deviation})" if deviation else name
