"""Learning-rate curves as a readable table, as sentences, and as numbers."""

from collections.abc import Iterator, Sequence

from gengap.paper.methods import LABELS
from gengap.report.format import fixed, signed, significant, spread, whole
from gengap.report.markup import Table
from gengap.report.questions.paired import points
from gengap.report.questions.rates import ALIKE, Point, RateCurve, Tuned


def table(found: Sequence[Tuned]) -> Table:
    """Make a readable table with one line per rate."""
    header = (
        "workload", "method", "against the best", "batch", "epochs", "rate", "n", "hold-out % ± std",
        "last quarter %", "best epoch", "% there", "last epoch − best", "train %", "left out",
    )  # fmt: skip
    rows = (
        (t.row.title, LABELS.get(c.method, c.method), *_row(c, p))
        for t in found
        for c in t.curves.values()
        for p in c.points
    )
    return Table(header, tuple(rows), labels=3)


def _row(curve: RateCurve, point: Point) -> tuple[str, ...]:
    m, best = point.measured, point.best
    return (
        curve.reading(point) if m.n else "",
        whole(m.batch_size),
        "" if m.epochs is None else f"{m.epochs:g}",
        f"{point.rate:.3g}",
        str(m.n),
        spread(m.accuracy),
        spread(point.late),
        f"{best[0]:.1f}" if best else "",
        spread(best[1]) if best else "",
        signed(m.accuracy.mean - best[1].mean) if best and m.accuracy else "",
        spread(m.train),
        m.note(),
    )


def data(found: Sequence[Tuned]) -> Table:
    """Tabulate every rate as numbers: percent of the held-out images, points, epochs."""
    header = (
        "workload", "method", "batch_size", "epochs", "base_lr", "lr", "n", "mean", "std", "late_mean",
        "late_std", "best_epoch", "best_mean", "best_std", "against_best", "left_out",
    )  # fmt: skip
    rows = []
    for t in found:
        for curve in t.curves.values():
            for p in curve.points:
                m, best = p.measured, p.best
                summaries = (m.accuracy, p.late, best[1] if best else None)
                last, late, at_best = ((fixed(s.mean), fixed(s.std)) if s else ("", "") for s in summaries)
                rows.append(
                    (
                        *(t.row.label, curve.method, str(m.batch_size), f"{m.epochs:g}"),
                        *(f"{p.base:.6g}", f"{p.rate:.6g}", str(m.n), *last, *late),
                        *(f"{best[0]:.6g}" if best else "", *at_best),
                        *(curve.reading(p) if m.n else "", m.note()),
                    )
                )
    return Table(header, tuple(rows), labels=2)


def answers(found: Sequence[Tuned]) -> tuple[str, ...]:
    """Describe, per workload, where each method is best, which rates are as good, and the remaining gap."""
    return tuple(" ".join(_sentences(t)) for t in found)


def _sentences(t: Tuned) -> Iterator[str]:
    reached = ", ".join(map(_reached, t.curves.values()))
    yield f"{t.row.title}: at its best rate, {reached}."
    alike = [(LABELS.get(c.method, c.method), _alike(c)) for c in t.curves.values()]
    listed = "; ".join(f"{label} at {rates}" for label, rates in alike if rates)
    if listed:
        yield f"Not distinguishable from the best: {listed}."
    lb = t.curves.get("lb")
    if lb and t.scaled and not lb.ends_at_best:
        times = significant(t.scaled / lb.best.rate)
        yield f"The square-root rule sets LB's rate to {t.scaled:.3g}, {times} times its best."
    best, recipe = t.gap(), t.gap(at_recipe=True)
    if best:
        yield f"With both tuned, {points(best)}."
    if best and recipe:
        yield f"With both at the recipe's rate, {points(recipe)}."


def _reached(curve: RateCurve) -> str:
    """Format as `LB (0.4) reaches 98.30 ± 0.10 %, 0.05 points below its best epoch`."""
    p = curve.best
    rate = f"{p.rate:.3g}, at the end of the range" if curve.ends_at_best else f"{p.rate:.3g}"
    told = f"{LABELS.get(curve.method, curve.method)} ({rate}) reaches {spread(p.measured.accuracy)} %"
    if p.best and p.measured.accuracy:
        below = p.best[1].mean - p.measured.accuracy.mean
        told += f", {fixed(below, 2)} points below its best epoch"
    return told


def _alike(curve: RateCurve) -> str:
    return ", ".join(f"{p.rate:.3g}" for p in curve.points if curve.reading(p) == ALIKE)
