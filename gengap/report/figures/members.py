"""Which runs make a figure: a line of it is an experiment, in a style of its own."""

from dataclasses import dataclass, replace

from gengap.report.cells import Group, Records
from gengap.report.figures.style import BATCH_STYLES, DASHED, METHOD_STYLES, NOISE, Style


@dataclass(frozen=True)
class Member:
    """One line of a figure: an experiment, its style, and its runs if there are any."""

    experiment: str
    style: Style
    group: Group | None = None

    @property
    def label(self) -> str:
        """What the legend and the tables call it."""
        return self.style.label

    @property
    def n(self) -> int:
        """Finished runs."""
        return 0 if self.group is None else len(self.group.finished)

    def gap(self) -> str:
        """Why nothing of it is drawn, with the command that changes it; empty where something is."""
        if self.n:
            return ""
        return f"{self.label}: {self.unfinished or 'no records'}; gengap train +experiment={self.experiment}"

    @property
    def unfinished(self) -> str:
        """The runs that are in no mean: `2 diverged, 1 running`; empty where there are none."""
        if self.group is None:
            return ""
        counts = self.group.runs["status"].value_counts().drop("finished", errors="ignore").sort_index()
        return ", ".join(f"{count} {status}" for status, count in counts.items())


def find(records: Records, members: tuple[Member, ...]) -> tuple[Member, ...]:
    """The members with their runs."""
    cells = (group for (row, _), group in records.cells.items() if not row.deviation)
    groups = {g.experiment: g for g in (*cells, *records.variants) if g.experiment}
    return tuple(replace(m, group=groups.get(m.experiment)) for m in members)


def gaps(members: tuple[Member, ...], sweep: str) -> tuple[str, ...]:
    """What is missing, a line a member; a single line where all of it is."""
    found = tuple(dict.fromkeys(m.gap() for m in members if m.gap()))
    if any(m.group is not None for m in members):
        return found
    return (f"no records yet: gengap train +sweep={sweep}",)


def counts(members: tuple[Member, ...]) -> str:
    """The sentence of a caption that says how many runs each line is the mean of."""
    found = (f"{m.label}: {m.n}" + (f" (and {m.unfinished})" if m.unfinished else "") for m in members if m.n)
    return f"Finished runs (n): {', '.join(dict.fromkeys(found))}."


def _named(style: Style, label: str) -> Style:
    return replace(style, label=label)


FIXED = (
    Member("cifar10_b64_sb", BATCH_STYLES[64]),
    Member("cifar10_sb", BATCH_STYLES[128]),
    *(Member(f"cifar10_b{b}_lb", BATCH_STYLES[b]) for b in (256, 512, 1024, 2048)),
)
SCALED = (
    Member("cifar10_b64_lb_gbn", _named(BATCH_STYLES[64], "64 +GBN")),
    Member("cifar10_sb", BATCH_STYLES[128]),
    *(Member(f"cifar10_b{b}_lb_gbn", _named(BATCH_STYLES[b], f"{b} +GBN")) for b in (256, 512, 1024, 2048)),
)
FIGURE3 = (
    Member("cifar10_sb", BATCH_STYLES[128]),
    Member("cifar10_b2048_lb_ra", _named(BATCH_STYLES[2048], "2048 +RA")),
    Member("cifar10_lb_ra", _named(BATCH_STYLES[4096], "4096 +RA")),
)
FIGURE5 = (
    Member("cifar10_b256_lb", BATCH_STYLES[256]),
    *(Member(f"cifar10_ref256_b{b}_lb_ra", _named(BATCH_STYLES[b], f"{b} +RA")) for b in (512, 1024, 2048)),
    Member("cifar10_b2048_lb", replace(BATCH_STYLES[2048], label="2048, not adapted", dashes=DASHED)),
)
FIGURE6 = (
    Member("cifar10_b2048_lb_lr", METHOD_STYLES["lb_lr"]),
    Member("cifar10_b2048_lb_noise", NOISE),
    Member("cifar10_b2048_lb", METHOD_STYLES["lb"]),
)
