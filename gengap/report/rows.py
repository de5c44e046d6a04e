"""Rows of the tables: a name from the paper, or a workload, at a precision and protocol."""

from enum import StrEnum
from typing import NamedTuple

from gengap.config.checks import PRECISIONS
from gengap.config.schema import FP32, PAPER, deviation
from gengap.paper import tables as paper

OTHER_PRECISIONS = tuple(p for p in PRECISIONS if p != FP32)
RELEASED = "bigbatch"  # the released code's protocol
# Precision and protocol of rows with the same name: as stated in the paper, or differing in one of them
KINDS = ((FP32, PAPER), *((precision, PAPER) for precision in OTHER_PRECISIONS), (FP32, RELEASED))


class Part(StrEnum):
    """Rows that share a section of the report and its files; the value is the stem of the file names."""

    TABLE1 = "table1"
    TABLE2 = "table2"
    DEMO = "demo"
    OTHER = "other"

    @property
    def heading(self) -> str:
        """Heading of the section."""
        return _HEADINGS[self]


_HEADINGS = {
    Part.TABLE1: "Table 1", Part.TABLE2: "Table 2", Part.DEMO: "Demo", Part.OTHER: "Other workloads",
}  # fmt: skip
PAPER_TABLES = {Part.TABLE1: 1, Part.TABLE2: 2}


def part_of(name: str) -> Part:
    """Find the part to which a row or workload belongs."""
    tables = (part for part, number in PAPER_TABLES.items() if name in paper.rows(number))
    return next(tables, Part.DEMO if name in paper.DEMOS else Part.OTHER)


class Row(NamedTuple):
    """A row of the tables: name (of a published row or a workload), precision and protocol."""

    name: str
    precision: str = FP32
    protocol: str = PAPER
    overrides: str = ""  # other settings that differ, such as `data.limit=12000`; empty in the paper's tables

    @property
    def deviation(self) -> str:
        """Precision, protocol and other settings that differ from the paper's; empty if there are none."""
        found = (deviation(self.precision, self.protocol), self.overrides)
        return ", ".join(part for part in found if part)

    @property
    def label(self) -> str:
        """Key, marked with its deviation: `mnist_f1 (bf16)`."""
        return marked(self.name, self.deviation)

    @property
    def title(self) -> str:
        """Name shown to readers, marked in the same way: `F1, MNIST (bf16)`."""
        return marked(paper.title(self.name), self.deviation)


def marked(name: str, deviation: str) -> str:
    """Append the deviation, if any, to the name in parentheses."""
    return f"{name} ({deviation})" if deviation else name
