"""The rows of the tables: a name from the paper, or a workload, at a precision and protocol."""

from typing import NamedTuple

from gengap.config.checks import PRECISIONS
from gengap.config.schema import FP32, PAPER, deviation
from gengap.paper import tables as paper

OTHER_PRECISIONS = tuple(p for p in PRECISIONS if p != FP32)
RELEASED = "bigbatch"  # the released code's protocol
# Precision and protocol of the rows with the same name: as the paper states them, or differing in one
KINDS = ((FP32, PAPER), *((precision, PAPER) for precision in OTHER_PRECISIONS), (FP32, RELEASED))


class Row(NamedTuple):
    """A row of the tables: its name (that of a published row or a workload), precision and protocol."""

    name: str
    precision: str = FP32
    protocol: str = PAPER

    @property
    def deviation(self) -> str:
        """The precision or protocol that differs from the paper's; empty if neither does."""
        return deviation(self.precision, self.protocol)

    @property
    def label(self) -> str:
        """The name, marked with its deviation: `mnist_f1 (bf16)`."""
        return marked(self.name, self.deviation)

    @property
    def title(self) -> str:
        """`network, dataset` as the paper writes them, marked in the same way."""
        return marked(paper.title(self.name), self.deviation)


def marked(name: str, deviation: str) -> str:
    """The name, followed by the deviation in parentheses, if there is one."""
    return f"{name} ({deviation})" if deviation else name
