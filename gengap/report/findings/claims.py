"""A claim, what the records say of it row by row, and the verdict that follows."""

from collections.abc import Sequence
from dataclasses import dataclass

from gengap.report.rows import Part, Row, part_of

HOLDS, PART, NOT, OPEN = "holds", "holds in part", "does not hold", "open"
DEMO_ONLY, UNTESTED = "demo only", "not tested"


@dataclass(frozen=True)
class Evidence:
    """What one row says: whether it agrees, None where it does not decide; and the numbers, as a sentence."""

    row: Row
    agrees: bool | None
    text: str

    @property
    def is_demo(self) -> bool:
        """Whether the row is none of the papers'."""
        return part_of(self.row.name) is Part.DEMO


@dataclass(frozen=True)
class Claim:
    """A statement of a paper, where it stands there, how a row decides on it, and the rows that were run."""

    statement: str
    source: str
    rule: str
    evidence: Sequence[Evidence]
    see: str = ""  # the heading of the report that has the numbers

    @property
    def verdict(self) -> str:
        """Over the rows of the papers that decide; the demo alone only says what it is."""
        own = [e for e in self.evidence if not e.is_demo]
        if own:
            return _verdict([e.agrees for e in own])
        if self.evidence:
            return f"{DEMO_ONLY}: {_verdict([e.agrees for e in self.evidence])}"
        return UNTESTED

    @property
    def tested_on(self) -> str:
        """The rows by what they say: `F1, MNIST: yes; C1, CIFAR-10 (bf16): open`."""
        words = {True: "yes", False: "no", None: "open"}
        found: dict[str, list[str]] = {}
        for e in self.evidence:
            found.setdefault(e.row.title, []).append(words[e.agrees])
        return "; ".join(f"{title}: {', '.join(dict.fromkeys(said))}" for title, said in found.items())


def _verdict(agrees: Sequence[bool | None]) -> str:
    decided = [a for a in agrees if a is not None]
    if not decided:
        return OPEN
    return HOLDS if all(decided) else PART if any(decided) else NOT
