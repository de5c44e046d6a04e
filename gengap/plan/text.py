"""A plan as plain text: the regimes, and what to expect."""

from collections.abc import Callable, Sequence

from gengap.config.schema import FP32
from gengap.paper import tables as paper
from gengap.paper.methods import LABELS, METHODS
from gengap.plan.evidence import REMEDIES, TABLES, OwnRow, closed_in_paper, paper_ratios, why_none
from gengap.plan.methods import Planned
from gengap.plan.numbers import short
from gengap.plan.question import LOOPS, Question

NONE = "–"


def regimes(question: Question, methods: Sequence[Planned]) -> str:
    """Format the table of regimes, with one column per method and a block of rows per phase."""
    rows = [
        ("", *(LABELS[p.method] for p in methods)),
        ("batch", *(f"{p.batch_size:,}" for p in methods)),
        ("ghost size", *(f"{p.ghost_size:,}" if p.ghost_size else NONE for p in methods)),
        ("epochs", *(short(p.epochs) for p in methods)),
        ("updates", *(f"{p.updates:,}" for p in methods)),
        ("samples seen", *(f"{p.samples_seen:,}" for p in methods)),
        ("cost relative to SB", *(f"{p.cost:.3g}" for p in methods)),
    ]
    if question.warmup_epochs:
        rows.append(("warm-up, updates", *(f"{p.warmup_updates:,}" for p in methods)))
    for phase in range(len(question.lr)):
        rows += _phase(phase, methods)
    return aligned(rows)


def _phase(phase: int, methods: Sequence[Planned]) -> list[tuple[str, ...]]:
    def row(label: str, value: Callable[[Planned], str]) -> tuple[str, ...]:
        return (f"  {label}", *(value(p) for p in methods))

    rows = [(f"phase {phase + 1}", *("" for _ in methods))]
    if phase:
        rows += [
            row("from epoch", lambda p: short(p.milestones_epochs[phase - 1])),
            row("from update", lambda p: f"{p.milestones_updates[phase - 1]:,}"),
        ]
    return [
        *rows,
        row("learning rate", lambda p: short(p.lr[phase])),
        row("by the linear rule", lambda p: short(p.lr_linear[phase]) if p.lr_linear else NONE),
    ]


def loop(question: Question) -> str:
    """Name the method whose loop is printed in full, such as LB+LR+GBN."""
    return "LB" + "".join(LABELS[m] for m in LOOPS[: LOOPS.index(question.method) + 1])


def expectations(question: Question, own: Sequence[OwnRow]) -> str:
    """Describe how much each method gains in the paper's tables and in our report."""
    low, high = paper_ratios()
    ratio = question.large_batch / question.small_batch
    lines = ["The paper: share (%) of the gap SB - LB that is closed, mean (lowest to highest row)"]
    lines += [aligned([("", *(LABELS[m] for m in REMEDIES)), *(_closed(t) for t in TABLES)])]
    lines += ["It gives one number per cell, without seeds or error bars."]
    if not low <= ratio <= high:
        lines += [f"Its batches grow by factors of {short(low)} to {short(high)}, yours by {short(ratio)}."]
    lines += [""]
    if not own:
        place = question.results_dir / "report"
        return "\n".join([*lines, f"Our own runs: {place} {why_none(place)}."])
    head = ("", *LABELS.values())
    lines += ["Our own runs: validation accuracy (%), mean ± std over n seeds, and the paper's"]
    return "\n".join([*lines, aligned([head, *(line for row in own for line in _with_paper(row))])])


def _closed(table: int) -> tuple[str, ...]:
    found = closed_in_paper(table)
    batches = ", ".join(f"{b:,}" for b in found.batches)
    label = f"Table {table}, {found.rows} rows, LB at {batches}"
    ranges = (f"{found.mean[m]:.0f} ({found.lowest[m]:.0f} to {found.highest[m]:.0f})" for m in REMEDIES)
    return (label, *ranges)


def _with_paper(row: OwnRow) -> list[tuple[str, ...]]:
    measured = [_accuracy(row.cells.get(m)) for m in METHODS]
    title = paper.title(row.workload) + ("" if row.precision == FP32 else f" ({row.precision})")
    lines = [(title, *measured)]
    printed = [paper.accuracy(row.workload, m) for m in METHODS]
    if any(printed):
        lines.append(("  paper", *(value or NONE for value in printed)))
    return lines


def _accuracy(cell: tuple[int, float, float | None] | None) -> str:
    if cell is None:
        return NONE
    n, mean, std = cell
    return f"{mean:.2f}" + ("" if std is None else f" ± {std:.2f}") + f" (n={n})"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Align columns two spaces apart, the first to the left, the others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
