"""A claim, what the records say about it row by row, and the resulting verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

from gengap.paper import keskar
from gengap.paper import tables as paper
from gengap.report.rows import PAPER_TABLES, Row, part_of

OURS = "Our own question"
HOLDS, PART, NOT, OPEN = "holds", "holds in part", "does not hold", "open"
OTHERS_ONLY, UNTESTED = "only on other networks", "not tested"


@dataclass(frozen=True)
class Evidence:
    """What one row says: whether it agrees (None if it doesn't decide), and the numbers, as a sentence.

    brief: numbers for the summary, empty if there are too few seeds for it. paper: the published number.
    detail: the reason why it is open, or its number, for the summary of a row with several.
    """

    row: Row
    agrees: bool | None
    text: str
    brief: str = ""
    paper: str = ""
    detail: str = ""

    @property
    def is_published(self) -> bool:
        """Whether the row is from one of the papers."""
        return part_of(self.row.name) in PAPER_TABLES or bool(keskar.title(self.row.name))


@dataclass(frozen=True)
class Claim:
    """A statement in a paper, its source there, the rule by which rows decide it, and the rows run.

    see: heading in the report under which the numbers are. note: anything else a reader should know.
    question: the question in the summary; empty if the summary leaves out the claim. unit: what a row has
    several of, if it has more than one line of evidence.
    """

    statement: str
    source: str
    rule: str
    evidence: Sequence[Evidence]
    see: str = ""
    note: str = ""
    question: str = ""
    unit: str = "cells"

    @property
    def verdict(self) -> str:
        """Verdict by the papers' networks, else by ours.

        Such as `holds on F1, MNIST; C1, CIFAR-10; does not hold on C3, CIFAR-100`.
        """
        if not self.evidence:
            return UNTESTED
        published = [e for e in self.evidence if e.is_published]
        if not published:
            return f"{OTHERS_ONLY}: {self.word}"
        networks: dict[str, list[bool | None]] = {}
        for e in published:
            networks.setdefault(paper.title(e.row.name), []).append(e.agrees)
        by_word: dict[str, list[str]] = {}
        for network, said in networks.items():
            by_word.setdefault(word(said), []).append(network)
        decided = (f"{said} on {'; '.join(on)}" for said, on in by_word.items() if said != OPEN)
        return "; ".join(decided) or OPEN

    @property
    def word(self) -> str:
        """Verdict without the deciding networks, over all precisions and protocols."""
        published = [e for e in self.evidence if e.is_published]
        return word([e.agrees for e in published or self.evidence])

    @property
    def tested_on(self) -> str:
        """What each row says: `F1, MNIST: yes; C1, CIFAR-10 (bf16): 0 of 2 agree, 1 open`."""
        found: dict[Row, list[bool | None]] = {}
        for e in self.evidence:
            found.setdefault(e.row, []).append(e.agrees)
        return "; ".join(f"{row.title}: {counted(said)}" for row, said in found.items())


def word(agrees: Sequence[bool | None]) -> str:
    """Verdict from all evidence that decides."""
    decided = [a for a in agrees if a is not None]
    if not decided:
        return OPEN
    return HOLDS if all(decided) else PART if any(decided) else NOT


def counted(said: Sequence[bool | None], what: str = "") -> str:
    """Format as `yes`; for several, as `0 of 2 agree, 3 open`, or for cells, `0 of 2 cells agree, 3 open`."""
    decided = [a for a in said if a is not None]
    if len(said) == 1:
        return {True: "yes", False: "no", None: "open"}[said[0]]
    undecided = f", {len(said) - len(decided)} open" if len(decided) < len(said) else ""
    of = " ".join((str(len(decided)), what)).rstrip()
    return f"{sum(decided)} of {of} agree{undecided}" if decided else "open"
