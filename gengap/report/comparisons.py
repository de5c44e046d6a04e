"""Compare the methods of each row: is +RA as good as SB, how much of the gap is closed, and by what?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gengap.config.schema import FP32, PAPER
from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Group, Records, rows_of
from gengap.report.incomparable import differing
from gengap.report.margins import margin_of
from gengap.report.rows import Part, Row
from gengap.report.significance import Difference, difference, holm, share, share_interval

AS_GOOD, SHARE, STEP = "as good as SB", "gap closed", "step"
PRECISION, PROTOCOL = "precision", "protocol"
SETTING = "setting"  # a cell with other settings
NEEDS_SEEDS = "needs 2 seeds"
NO_SPREAD = "the seeds do not differ, so there is nothing to compare with"
_STEPS = (("lb_lr", "lb"), ("lb_gbn", "lb_lr"), ("lb_ra", "lb_gbn"))  # columns are cumulative

Samples = dict[str, list[float]]  # accuracies in percent, one per seed
Cells = dict[str, Group | None]  # by method


@dataclass(frozen=True)
class Comparison:
    """One comparison: points for differences, a fraction for shares, None with a reason if it is blank.

    seeds: number of seeds on each side, or of pairs. low, high: 95 % interval. p: p-value of the kind's test;
    p_holm: p corrected over all comparisons of the kind. p_superior: for kind AS_GOOD, p-value of +RA being
    no better than SB, corrected likewise; it only counts once +RA has been shown to be as good. margin:
    difference in points below which there counts as being none.
    """

    kind: str
    row: Row
    name: str
    seeds: tuple[int, ...]
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_holm: float | None = None
    p_superior: float | None = None
    margin: float = 0.0
    paired: bool = False
    reason: str = ""

    @property
    def n(self) -> str:
        """Number of seeds: `5 pairs`, `5 triples` for a share, or `5, 3` if the sides share no two seeds."""
        shared = "triples" if self.kind == SHARE else "pairs"
        return f"{self.seeds[0]} {shared}" if self.paired else ", ".join(map(str, self.seeds))

    @property
    def needs_seeds(self) -> bool:
        """Whether one side has too few seeds to compute any number."""
        return self.reason.startswith(NEEDS_SEEDS)


def compare_methods(records: Records) -> list[Comparison]:
    """Make all comparisons, ordered by kind, then by the tables' rows."""
    rows = rows_of(records, *Part)
    found: dict[Row, Cells] = {row: {m: records.cell(row, m) for m in METHODS} for row in rows}
    # Look up cells by their own key, so that one shared by two rows is compared only once
    cells = [(row, m) for row in rows for m in METHODS if (row, m) in records.cells]
    return [
        *_both_corrected([_as_good(row, found[row]) for row in rows]),
        *(_share(row, found[row], m) for row in rows for m in ("lb_lr", "lb_gbn", "lb_ra")),
        *corrected([_step(row, found[row], *pair) for row in rows for pair in _STEPS]),
        *corrected([_precision(records, row, m) for row, m in cells if row.precision != FP32]),
        *corrected([_protocol(records, row, m) for row, m in cells if row.protocol != PAPER]),
    ]


def corrected(lines: Sequence[Comparison]) -> list[Comparison]:
    """Apply Holm's correction over all comparisons that have a p-value."""
    adjusted = iter(holm([line.p for line in lines if line.p is not None]))
    return [line if line.p is None else replace(line, p_holm=next(adjusted)) for line in lines]


def _both_corrected(lines: Sequence[Comparison]) -> list[Comparison]:
    """Apply Holm's correction to each of the two tests of AS_GOOD."""
    found = corrected(lines)
    better = iter(holm([line.p_superior for line in found if line.p_superior is not None]))
    return [line if line.p_superior is None else replace(line, p_superior=next(better)) for line in found]


def gap(records: Records, row: Row, a: str, b: str) -> Comparison:
    """Compute method `a` minus method `b` within a row, with interval and p-value of no difference."""
    line, tested = _between_methods("gap", row, {m: records.cell(row, m) for m in (a, b)}, a, b)
    return line if tested is None else replace(line, p=tested.p)


def _as_good(row: Row, cells: Cells) -> Comparison:
    """Compare +RA with SB, testing first that it is not worse by the margin, then that it is better."""
    line, tested = _between_methods(AS_GOOD, row, cells, "lb_ra", "sb")
    line = replace(line, margin=margin_of(row.name))
    if tested is None:
        return line
    return replace(line, p=tested.non_inferiority(line.margin), p_superior=tested.superiority())


def _precision(records: Records, row: Row, method: str) -> Comparison:
    line, tested = _with_stated(PRECISION, records, row, method, FP32)
    line = replace(line, margin=margin_of(row.name))
    return line if tested is None else replace(line, p=tested.equivalence(line.margin))


def _protocol(records: Records, row: Row, method: str) -> Comparison:
    line, tested = _with_stated(PROTOCOL, records, row, method, PAPER)
    return line if tested is None else replace(line, p=tested.p)


def _with_stated(
    kind: str, records: Records, row: Row, method: str, stated: str
) -> tuple[Comparison, Difference | None]:
    """Compute a cell at another precision or protocol, minus the same cell as stated in the paper."""
    groups = [records.cell(row, method), records.cell(Row(row.name), method)]
    names = (f"{LABELS[method]} {row.deviation}", stated)
    return between(kind, Row(row.name), dict(zip(names, groups, strict=True)))


def between(kind: str, row: Row, groups: Mapping[str, Group | None]) -> tuple[Comparison, Difference | None]:
    """Compute the first group of runs minus the second, by name; Difference is None if no test is possible.

    Uses pairs with the same seed, hence the same initial weights and image order, if there are at least two.
    """
    sides, paired = _sides(groups)
    if differs := differing([group.finished for group in groups.values() if group is not None]):
        counts = tuple(len(values) for values in sides.values())
        return Comparison(kind, row, " − ".join(sides), counts, paired=paired, reason=differs), None
    return _difference(kind, row, sides, paired=paired)


def _sides(groups: Mapping[str, Group | None]) -> tuple[Samples, bool]:
    """Accuracies of every group and whether they are paired: at the seeds that all have, if at least two."""
    found = {name: {} if group is None else group.by_seed for name, group in groups.items()}
    shared = sorted(set.intersection(*map(set, found.values())))
    paired = len(shared) >= 2
    return {name: [s[k] for k in shared] if paired else [*s.values()] for name, s in found.items()}, paired


def _between_methods(
    kind: str, row: Row, cells: Cells, a: str, b: str
) -> tuple[Comparison, Difference | None]:
    return between(kind, row, {LABELS[m]: cells[m] for m in (a, b)})


def _difference(kind: str, row: Row, sides: Samples, *, paired: bool) -> tuple[Comparison, Difference | None]:
    """Compute the first side minus the second; Difference is None if no test is possible."""
    a, b = sides.values()
    line = Comparison(kind, row, " − ".join(sides), (len(a), len(b)), paired=paired)
    reason = _too_few(sides)
    if reason:
        return replace(line, reason=reason), None
    found = difference(a, b, paired=paired)
    if not found.testable:
        return replace(line, value=found.mean, reason=NO_SPREAD), None
    low, high = found.interval()
    return replace(line, value=found.mean, low=low, high=high), found


def _too_few(sides: Samples) -> str:
    short = [f"{label} has {len(values)}" for label, values in sides.items() if len(values) < 2]
    return f"{NEEDS_SEEDS}: {', '.join(short)}" if short else ""


def _share(row: Row, cells: Cells, method: str) -> Comparison:
    samples, paired = _sides({LABELS[m]: cells[m] for m in ("sb", "lb", method)})
    sb, lb, ours = samples.values()
    line = Comparison(SHARE, row, LABELS[method], (len(sb), len(lb), len(ours)), paired=paired)
    reason = _too_few(samples) or _no_gap(sb, lb, paired=paired)
    if reason:
        return replace(line, reason=reason)
    low, high = share_interval(sb, lb, ours, paired=paired)
    return replace(line, value=share(sb, lb, ours), low=low, high=high)


def _no_gap(sb: list[float], lb: list[float], *, paired: bool) -> str:
    """Explain why there may be no gap to close; empty if the interval of SB - LB excludes 0."""
    found = difference(sb, lb, paired=paired)
    if not found.testable:
        return f"SB and LB: {NO_SPREAD}"
    low, high = found.interval()
    return f"SB − LB may be 0: 95 % is {low:+.2f} to {high:+.2f}" if low <= 0 <= high else ""


def _step(row: Row, cells: Cells, a: str, b: str) -> Comparison:
    line, tested = _between_methods(STEP, row, cells, a, b)
    scales = [group.lr_scale if (group := cells[m]) else None for m in (a, b)]
    if b != "lb" and all(scales) and scales[0] != scales[1]:  # the step changes more than one thing
        line = replace(line, name=f"{line.name} (rate ×{scales[0]:.3g} − ×{scales[1]:.3g})")
    return line if tested is None else replace(line, p=tested.p)
