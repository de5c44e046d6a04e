"""The methods of each row compared: is +RA as good as SB, how much of the gap is closed, and by what."""

from dataclasses import dataclass, replace

from gengap.config.schema import FP32, PAPER
from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Records, rows_of
from gengap.report.rows import Part, Row
from gengap.report.significance import Difference, difference, holm, share, share_interval

EQUIVALENCE, SHARE, STEP = "equivalence", "gap closed", "step"
PRECISION, PROTOCOL = "precision", "protocol"
NEEDS_SEEDS = "needs 2 seeds"
NO_SPREAD = "the seeds do not differ, so there is nothing to compare with"
_STEPS = (("lb_lr", "lb"), ("lb_gbn", "lb_lr"), ("lb_ra", "lb_gbn"))  # columns are cumulative

Samples = dict[str, list[float]]  # accuracies in percent, one per seed


@dataclass(frozen=True)
class Comparison:
    """One comparison: points for differences, a fraction for shares, None with a reason where it is blank.

    seeds: number of seeds of each side. low, high: 95 % interval. p: of the equivalence test, or of no
    difference. p_holm: the latter, corrected within the row.
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
    reason: str = ""

    @property
    def needs_seeds(self) -> bool:
        """Whether a side has too few seeds for any number."""
        return self.reason.startswith(NEEDS_SEEDS)


def compare_methods(records: Records) -> list[Comparison]:
    """All comparisons, by kind, then in the order of the tables' rows."""
    rows = rows_of(records, *Part)
    samples = {row: {m: _accuracies(records, row, m) for m in METHODS} for row in rows}
    # Looked up by the key itself, so that a cell shared by two rows is compared once
    cells = [(row, m) for row in rows for m in METHODS if (row, m) in records.cells]
    return [
        *(_equivalence(row, samples[row]) for row in rows),
        *(_share(row, samples[row], m) for row in rows for m in ("lb_lr", "lb_gbn", "lb_ra")),
        *(line for row in rows for line in _steps(row, samples[row])),
        *(_precision(records, row, m) for row, m in cells if row.precision != FP32),
        *(_protocol(records, row, m) for row, m in cells if row.protocol != PAPER),
    ]


def gap(records: Records, row: Row, a: str, b: str) -> Comparison:
    """One difference within a row, method `a` minus method `b`, with its interval."""
    return _between_methods("gap", row, {m: _accuracies(records, row, m) for m in (a, b)}, a, b)[0]


def _accuracies(records: Records, row: Row, method: str) -> list[float]:
    group = records.cell(row, method)
    return [] if group is None else group.accuracies


def _equivalence(row: Row, samples: Samples) -> Comparison:
    line, tested = _between_methods(EQUIVALENCE, row, samples, "lb_ra", "sb")
    return line if tested is None else replace(line, p=tested.equivalence())


def _precision(records: Records, row: Row, method: str) -> Comparison:
    line, tested = _with_stated(PRECISION, records, row, method, FP32)
    return line if tested is None else replace(line, p=tested.equivalence())


def _protocol(records: Records, row: Row, method: str) -> Comparison:
    line, tested = _with_stated(PROTOCOL, records, row, method, PAPER)
    return line if tested is None else replace(line, p=tested.p)


def _with_stated(
    kind: str, records: Records, row: Row, method: str, stated: str
) -> tuple[Comparison, Difference | None]:
    """The cell at another precision or protocol, minus the same cell as the paper states it."""
    sides = {
        f"{LABELS[method]} {row.deviation}": _accuracies(records, row, method),
        stated: _accuracies(records, Row(row.name), method),
    }
    return _difference(kind, Row(row.name), sides)


def _between_methods(
    kind: str, row: Row, samples: Samples, a: str, b: str
) -> tuple[Comparison, Difference | None]:
    return _difference(kind, row, {LABELS[m]: samples[m] for m in (a, b)})


def _difference(kind: str, row: Row, sides: Samples) -> tuple[Comparison, Difference | None]:
    """The first side minus the second; the Difference is None where no test is possible."""
    a, b = sides.values()
    line = Comparison(kind, row, " − ".join(sides), (len(a), len(b)))
    reason = _too_few(sides)
    if reason:
        return replace(line, reason=reason), None
    found = difference(a, b)
    if not found.testable:
        return replace(line, value=found.mean, reason=NO_SPREAD), None
    low, high = found.interval()
    return replace(line, value=found.mean, low=low, high=high), found


def _too_few(sides: Samples) -> str:
    short = [f"{label} has {len(values)}" for label, values in sides.items() if len(values) < 2]
    return f"{NEEDS_SEEDS}: {', '.join(short)}" if short else ""


def _share(row: Row, samples: Samples, method: str) -> Comparison:
    needed = ("sb", "lb", method)
    line = Comparison(SHARE, row, LABELS[method], tuple(len(samples[m]) for m in needed))
    reason = _too_few({LABELS[m]: samples[m] for m in needed}) or _no_gap(samples)
    if reason:
        return replace(line, reason=reason)
    sides = (samples["sb"], samples["lb"], samples[method])
    low, high = share_interval(*sides)
    return replace(line, value=share(*sides), low=low, high=high)


def _no_gap(samples: Samples) -> str:
    """Why there may be no gap to close; empty where the interval of SB - LB excludes 0."""
    found = difference(samples["sb"], samples["lb"])
    if not found.testable:
        return f"SB and LB: {NO_SPREAD}"
    low, high = found.interval()
    return f"SB − LB may be 0: 95 % is {low:+.2f} to {high:+.2f}" if low <= 0 <= high else ""


def _steps(row: Row, samples: Samples) -> list[Comparison]:
    found = [_between_methods(STEP, row, samples, a, b) for a, b in _STEPS]
    corrected = iter(holm([tested.p for _, tested in found if tested]))
    return [replace(line, p=tested.p, p_holm=next(corrected)) if tested else line for line, tested in found]
