"""The runs in a figure: each of its curves is an experiment, drawn in a style."""

from dataclasses import dataclass, replace

from gengap.report.cells import Group, Records
from gengap.report.figures.figure import no_records
from gengap.report.figures.style import BATCH_STYLES, DOTTED, METHOD_STYLES, NOISE, Style
from gengap.report.format import state


@dataclass(frozen=True)
class Curve:
    """One curve of a figure: an experiment, its style, and its runs if there are any."""

    experiment: str
    style: Style
    group: Group | None = None

    @property
    def label(self) -> str:
        """Name in the legend and the tables."""
        return self.style.label

    @property
    def n(self) -> int:
        """Number of finished runs."""
        return 0 if self.group is None else len(self.group.finished)

    def missing(self, records: Records) -> str:
        """Explain why the curve is not drawn, with the command that trains it; empty if it is drawn."""
        if self.n:
            return ""
        command = records.command(f"+experiment={self.experiment}")
        return f"{self.label}: {self.unfinished or 'no records'}; {command}"

    @property
    def unfinished(self) -> str:
        """Runs that are in no mean: `2 diverged, 1 unfinished`; empty if there are none."""
        if self.group is None:
            return ""
        counts = self.group.runs["status"].value_counts().drop("finished", errors="ignore").sort_index()
        return ", ".join(f"{count} {state(str(status))}" for status, count in counts.items())


def with_runs(records: Records, curves: tuple[Curve, ...]) -> tuple[Curve, ...]:
    """Add their runs to the curves."""
    cells = (group for (row, _), group in records.cells.items() if not row.deviation)
    groups = {g.experiment: g for g in (*cells, *records.variants) if g.experiment}
    return tuple(replace(c, group=groups.get(c.experiment)) for c in curves)


def missing(records: Records, curves: tuple[Curve, ...], sweep: str) -> tuple[str, ...]:
    """List one line per curve that is not drawn; at most a single line if no curve has records."""
    if all(c.group is None for c in curves):
        return no_records(records, sweep)
    return tuple(dict.fromkeys(line for line in (c.missing(records) for c in curves) if line))


def run_counts(curves: tuple[Curve, ...]) -> str:
    """Write the caption's sentence with the number of runs behind each curve."""
    found = (f"{c.label}: {c.n}" + (f" (and {c.unfinished})" if c.unfinished else "") for c in curves if c.n)
    return f"Finished runs (n): {', '.join(dict.fromkeys(found))}."


def _batch(batch: int, suffix: str = "") -> Style:
    style = BATCH_STYLES[batch]
    return replace(style, label=style.label + suffix)


FIXED_RATE = (
    Curve("cifar10_b64_sb", _batch(64)),
    Curve("cifar10_sb", _batch(128)),
    *(Curve(f"cifar10_b{b}_lb", _batch(b)) for b in (256, 512, 1024, 2048)),
)
ADAPTED_RATE = (
    Curve("cifar10_b64_lb_gbn", _batch(64, " +GBN")),
    Curve("cifar10_sb", _batch(128)),
    *(Curve(f"cifar10_b{b}_lb_gbn", _batch(b, " +GBN")) for b in (256, 512, 1024, 2048)),
)
FIGURE3 = (
    Curve("cifar10_sb", _batch(128)),
    Curve("cifar10_b2048_lb_ra", _batch(2048, " +RA")),
    Curve("cifar10_lb_ra", _batch(4096, " +RA")),
)
FIGURE5 = (
    Curve("cifar10_b256_lb", _batch(256)),
    *(Curve(f"cifar10_ref256_b{b}_lb_ra", _batch(b, " +RA")) for b in (512, 1024, 2048)),
    Curve("cifar10_b2048_lb", replace(_batch(2048, ", not adapted"), dashes=DOTTED)),
)
FIGURE6 = (
    Curve("cifar10_b2048_lb_lr", METHOD_STYLES["lb_lr"]),
    Curve("cifar10_b2048_lb_noise", NOISE),
    Curve("cifar10_b2048_lb", METHOD_STYLES["lb"]),
)
