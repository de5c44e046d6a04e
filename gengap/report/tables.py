"""Our tables next to the paper's: a quick view, every cell in detail, and all numbers."""

from gengap.paper import tables as paper
from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Group, Records, rows_of
from gengap.report.format import duration, fixed, interval, percent, signed, spread, whole
from gengap.report.markup import Table
from gengap.report.measure import Measured, measure, measure_cell
from gengap.report.rows import Part, part_of
from gengap.report.statistics import Summary


def quick(records: Records, part: Part = Part.TABLE1) -> Table:
    """Tabulate workloads by methods: our accuracy, the paper's as printed, difference, and samples seen."""
    rows: list[tuple[str, ...]] = []
    for row in rows_of(records, part):
        cells = [measure_cell(records, row, m) for m in METHODS]
        rows.append((row.title, "ours", *map(_quick_cell, cells)))
        if any(cell.paper for cell in cells):
            rows.append(("", "paper", *(cell.paper or "–" for cell in cells)))
        if any(cell.difference is not None for cell in cells):
            rows.append(("", "difference", *map(_marked, cells)))
        if any(cell.samples for cell in cells):
            rows.append(("", "samples", *(_samples(cell, cells[0]) for cell in cells)))
    return Table(("workload", "", *LABELS.values()), tuple(rows), labels=2)


def _quick_cell(cell: Measured) -> str:
    if cell.accuracy is None:
        return cell.note()
    note = cell.note()
    return f"{spread(cell.accuracy)} (n={cell.n}{'; ' + note if note else ''})"


def _marked(cell: Measured) -> str:
    return "" if cell.difference is None else f"{signed(cell.difference)} {cell.mark}"


def _samples(cell: Measured, sb: Measured) -> str:
    if cell.samples is None:
        return ""
    multiple = f" ({cell.samples / sb.samples:.1f}×)".replace(".0×", "×") if sb.samples else ""
    return f"{cell.samples:,}{multiple}"


def detailed(records: Records, part: Part = Part.TABLE1) -> Table:
    """Make a readable table of every cell that has records."""
    header = (
        "workload", "method", "precision", "protocol", "n", "last val. % ± std", "95 %", "one run ±", "paper",
        "difference", "one more run, 95 %", "paper's inside", "train %", "best val. % (not used)", "updates",
        "clipped", "samples", "wall time", "measuring", "hardware", "commit", "left out",
    )  # fmt: skip
    rows = tuple(_detailed_row(cell) for cell in _cells(records, part) if cell.runs)
    return Table(header, rows, labels=4)


def missing(records: Records, part: Part = Part.TABLE1) -> str:
    """List cells without records in rows that have some: `F1, digits: LB, +LR; F1, MNIST: +RA`."""
    rows = {row: [m for m in METHODS if not records.cell(row, m)] for row in rows_of(records, part)}
    return "; ".join(
        f"{row.title}: {', '.join(LABELS[m] for m in none)}" for row, none in rows.items() if none
    )


def _detailed_row(cell: Measured) -> tuple[str, ...]:
    half = cell.accuracy.half_width if cell.accuracy else None
    return (
        *_labels(cell),
        str(cell.n),
        spread(cell.accuracy),
        "" if half is None else f"± {half:.2f}",
        "" if cell.one_run is None else f"{cell.one_run:.2f}",
        cell.paper or "–",
        signed(cell.difference),
        interval(*(f"{end:.2f}" for end in cell.one_more)) if cell.one_more else "",
        {None: "", True: "yes", False: "no"}[cell.predicts],
        spread(cell.train),
        spread(cell.best),
        whole(cell.updates),
        percent(cell.clipped, 1),
        whole(cell.samples),
        _wall_time(cell),
        "" if cell.measuring is None else f"{100 * cell.measuring:.1f} %",
        cell.hardware,
        cell.commits,
        cell.note(),
    )


def _wall_time(cell: Measured) -> str:
    """Format as `1.7 h`, or by make, which differ too much for a mean, as `1.7 h (AMD), 36 s (NVIDIA)`."""
    by_make = {make: duration(seconds) for make, seconds in cell.wall_seconds.items()}
    return ", ".join(f"{time} ({make})" if len(by_make) > 1 else time for make, time in by_make.items())


def top5(records: Records, part: Part = Part.TABLE1) -> Table:
    """Tabulate top-1 and top-5 accuracy of the cells whose runs recorded both."""
    header = ("workload", "method", "precision", "protocol", "n", "top-1 %", "top-5 %")
    cells = [cell for cell in _cells(records, part) if cell.top5]
    rows = ((*_labels(c), str(c.n), spread(c.accuracy), spread(c.top5)) for c in cells)
    return Table(header, tuple(rows), labels=4)


def _labels(cell: Measured) -> tuple[str, ...]:
    return paper.title(cell.workload), LABELS[cell.method], cell.precision, cell.protocol


def data(records: Records, part: Part = Part.TABLE1) -> Table:
    """Tabulate every cell, then every variant, as numbers: percent, points, updates, samples, seconds."""
    header = (
        "kind", "workload", "method", "run", "experiment", "n", "mean", "std", "interval95", "paper",
        "difference", "train_mean", "train_std", "best_mean", "best_std", "updates", "samples",
        "wall_seconds", "measuring_share", "one_run_error", "batch_size", "epochs", "precision", "protocol",
        "hardware", "commits", "left_out", "one_more_low95", "one_more_high95", "clipped_share",
        "wall_seconds_by_make",
    )  # fmt: skip
    cells = [_data_row("cell", cell) for cell in _cells(records, part)]
    others = [_data_row("variant", measure(group)) for group in _variants(records, part)]
    return Table(header, tuple(cells + others))


def _data_row(kind: str, m: Measured) -> tuple[str, ...]:
    return (
        *(kind, m.workload, m.method, m.run, m.experiment, str(m.n)),
        *_numbers(m.accuracy),
        fixed(m.accuracy.half_width if m.accuracy else None),
        m.paper,
        fixed(m.difference),
        *_numbers(m.train),
        *_numbers(m.best),
        *("" if value is None else str(value) for value in (m.updates, m.samples)),
        fixed(next(iter(m.wall_seconds.values())), 1) if len(m.wall_seconds) == 1 else "",
        fixed(m.measuring),
        fixed(m.one_run),
        "" if m.batch_size is None else str(m.batch_size),
        "" if m.epochs is None else f"{m.epochs:g}",
        *(m.precision, m.protocol, m.hardware, m.commits, m.note()),
        *(fixed(end) for end in m.one_more or (None, None)),
        fixed(m.clipped),
        "; ".join(f"{make} {seconds:.1f}" for make, seconds in m.wall_seconds.items()),
    )


def _cells(records: Records, part: Part) -> list[Measured]:
    return [measure_cell(records, row, m) for row in rows_of(records, part) for m in METHODS]


def _variants(records: Records, part: Part) -> list[Group]:
    return [g for g in records.variants if part_of(g.workload) is part]


def _numbers(summary: Summary | None) -> tuple[str, str]:
    return (fixed(summary.mean), fixed(summary.std)) if summary else ("", "")
