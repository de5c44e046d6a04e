"""A plan as plain text: the regimes, the reasons for them, and what to expect."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import sqrt

from gengap.config.schema import FP32, Method
from gengap.errors import counted
from gengap.paper import tables as paper
from gengap.paper.methods import LABELS, METHODS
from gengap.plan.evidence import REMEDIES, TABLES, OwnRow, closed_in_paper, paper_ratios, why_none
from gengap.plan.methods import Planned
from gengap.plan.noise_scale import noise_note
from gengap.plan.question import GHOST_SIZE, Question, default_ghost_size

NONE = "–"


def regimes(question: Question, methods: Sequence[Planned]) -> str:
    """Format the table of regimes, with one column per method and a block of rows per phase."""
    rows = [
        ("", *(LABELS[p.method] for p in methods)),
        ("batch", *(f"{p.batch_size:,}" for p in methods)),
        ("ghost size", *(f"{p.ghost_size:,}" if p.ghost_size else NONE for p in methods)),
        ("epochs", *(_short(p.epochs) for p in methods)),
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
            row("from epoch", lambda p: _short(p.milestones_epochs[phase - 1])),
            row("from update", lambda p: f"{p.milestones_updates[phase - 1]:,}"),
        ]
    return [
        *rows,
        row("learning rate", lambda p: _short(p.lr[phase])),
        row("by the linear rule", lambda p: _short(p.lr_linear[phase]) if p.lr_linear else NONE),
    ]


def reasons(question: Question, methods: Sequence[Planned]) -> list[str]:
    """Explain the numbers in the table, in one paragraph per reason."""
    ratio = Fraction(question.large_batch, question.small_batch)
    times, root = _short(float(ratio)), _short(sqrt(ratio))
    clip, ghosts = Method().clip_norm, question.large_batch // question.ghost_size
    notes = [
        f"Learning rate: multiplying it by √(B_L/B_S) = {root} keeps the covariance of an update constant "
        f"(eq. 7 of the paper). The linear rule, a factor of {times}, did worse on CIFAR-10 in the paper; on "
        "ImageNet, Goyal et al. 2017 found it better, with warm-up over the first 5 epochs.",
        f"{_ghost_size(question)} It splits {question.large_batch:,} into {counted(ghosts, 'ghost')}. A "
        "network without batch norm does not need +GBN.",
        f"Regime adaptation: every period of e epochs becomes {times} e epochs, which makes as many updates "
        f"as with the small batch, each with {times} times the samples.",
        'Clipping: the paper clips the gradient "for the first few iterations"; its released code, and '
        f"gengap, clip it to a norm of {_short(clip or 0)} at every update.",
        _warmup(question, methods),
        "Updates: epochs · N / B, rounded down once, with batches all of the same size; in torch, a "
        "DataLoader with drop_last=True and a loop that counts updates, not epochs.",
    ]
    if question.micro_batch:
        notes.append(
            f"Memory: with ghosts, summing the gradients of {question.large_batch // question.micro_batch} "
            f"micro-batches of {question.micro_batch:,} samples makes the same update up to rounding "
            "(dropout masks differ). Without ghosts it does not: batch norm then sees micro-batches."
        )
    if question.noise_scale:
        notes.append(noise_note(question.noise_scale, question.small_batch, question.large_batch))
    return [*notes, _optimizer(question)]


def _ghost_size(question: Question) -> str:
    size, most = question.ghost_size, min(question.small_batch, GHOST_SIZE)
    if size == default_ghost_size(question.small_batch, question.large_batch):
        return (
            f"Ghost size {size}: the largest divisor of the large batch that exceeds neither the small batch "
            f"nor the paper's {GHOST_SIZE}, so that batch norm sees no more samples at once than it did in "
            "the recipe that worked."
        )
    if size <= most:
        return f"Ghost size {size}: as you set it."
    return (
        f"Ghost size {size}: as you set it; batch norm then sees more samples at once than in the recipe "
        f"that worked (small batch {question.small_batch:,}) or in the paper ({GHOST_SIZE})."
    )


def _warmup(question: Question, methods: Sequence[Planned]) -> str:
    if not question.warmup_epochs:
        return (
            "Warm-up: none in the paper; with the linear rule, add warmup_epochs=5. Watch the first updates "
            "with the square-root rule too: on MNIST they blow up, and +LR ends below LB; with "
            "warmup_epochs=2, or clipped to a norm of 1 instead of the loop's 5, it ends above "
            "(docs/protocols.md)."
        )
    scaled = next(p for p in methods if p.method == "lb_lr")
    return (
        f"Warm-up: none in the paper; here linear from {_short(float(question.lr[0]))} to "
        f"{_short(scaled.lr[0])}."
    )


def _optimizer(question: Question) -> str:
    if question.optimizer == "sgd":
        return (
            "Optimizer: the paper uses momentum SGD. Granziol et al. 2022 derive the linear rule for SGD and "
            "the square-root rule for Adam, so both rates are worth trying."
        )
    text = (
        "Optimizer: the paper does not use Adam. For Adam, Malladi et al. 2022 and Granziol et al. 2022 "
        "derive the square-root rule; the rows with the linear rule are for SGD. "
    )
    betas = scaled_betas(question)
    if betas is None:
        return text + (
            "Malladi et al. also multiply 1 - β by B_L/B_S, which at this ratio would make β negative, so "
            "betas are left unchanged, which their result does not cover."
        )
    return text + (
        f"Malladi et al. also multiply 1 - β by B_L/B_S, giving betas {_short(betas[0])} and "
        f"{_short(betas[1])}, and divide ε by √(B_L/B_S)."
    )


def scaled_betas(question: Question) -> tuple[float, float] | None:
    """Adam's betas at the large batch, 1 - (B_L/B_S)(1 - β) (Malladi et al. 2022); None if negative."""
    ratio = Fraction(question.large_batch, question.small_batch)
    first, second = (float(1 - ratio * (1 - beta)) for beta in question.betas)
    return (first, second) if min(first, second) >= 0 else None


def expectations(question: Question, own: Sequence[OwnRow]) -> str:
    """Describe how much each method gains in the paper's tables and in our report."""
    low, high = paper_ratios()
    ratio = question.large_batch / question.small_batch
    lines = ["The paper: share (%) of the gap SB - LB that is closed, mean (lowest to highest row)"]
    lines += [aligned([("", *(LABELS[m] for m in REMEDIES)), *(_closed(t) for t in TABLES)])]
    lines += ["It gives one number per cell, without seeds or error bars."]
    if not low <= ratio <= high:
        lines += [
            f"Its batches grow by factors of {_short(low)} to {_short(high)}, yours by {_short(ratio)}."
        ]
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


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 and value == round(value) else f"{value:.6g}"
