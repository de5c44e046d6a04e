"""Tables 1 and 2 beside the paper's: the quick view, every cell at length, and all numbers."""

from gengap.paper import tables as paper
from gengap.paper.methods import METHODS
from gengap.report.cells import Group, Records, rows_of_table
from gengap.report.markup import Table
from gengap.report.measure import Measured, measure, measure_cell
from gengap.report.overview import mark
from gengap.report.statistics import Summary


def quick(records: Records, table: int = 1) -> Table:
    """Rows against methods: ours, the paper's number as printed, our distance from it, the samples seen."""
    rows: list[tuple[str, ...]] = []
    for row in rows_of_table(records, table):
        cells = [measure_cell(records, row, m) for m in METHODS]
        rows.append((row.title, "ours", *map(_quick_cell, cells)))
        rows.append(("", "paper", *(cell.paper or "–" for cell in cells)))
        if any(cell.difference is not None for cell in cells):
            rows.append(("", "difference", *map(_marked, cells)))
        if any(cell.samples for cell in cells):
            rows.append(("", "samples", *(_samples(cell, cells[0]) for cell in cells)))
    return Table(("workload", "", *(look.label for look in METHODS.values())), tuple(rows), labels=2)


def _quick_cell(cell: Measured) -> str:
    if cell.accuracy is None:
        return cell.note()
    note = cell.note()
    return f"{spread(cell.accuracy)} (n={cell.n}{'; ' + note if note else ''})"


def _marked(cell: Measured) -> str:
    return "" if cell.difference is None else f"{signed(cell.difference)} {mark(cell.difference)}"


def _samples(cell: Measured, sb: Measured) -> str:
    if cell.samples is None:
        return ""
    multiple = f" ({cell.samples / sb.samples:.1f}×)".replace(".0×", "×") if sb.samples else ""
    return f"{cell.samples:,}{multiple}"


def spread(summary: Summary | None, digits: int = 2) -> str:
    """`mean ± std`; no ± for one seed, empty without any."""
    if summary is None:
        return ""
    return f"{summary.mean:.{digits}f}" + ("" if summary.std is None else f" ± {summary.std:.{digits}f}")


def long(records: Records, table: int = 1) -> Table:
    """Every cell of the rows there are, for reading."""
    header = (
        "workload", "method", "precision", "protocol", "n", "last val. % ± std", "95 %", "one run ±", "paper",
        "difference", "train %", "best val. % (not used)", "updates", "samples", "wall time", "measuring",
        "hardware", "commit", "left out",
    )  # fmt: skip
    rows = tuple(_long_row(cell) for cell in _cells(records, table))
    return Table(header, rows, labels=4)


def _long_row(cell: Measured) -> tuple[str, ...]:
    interval = cell.accuracy.half_width if cell.accuracy else None
    return (
        cell.workload,
        METHODS[cell.method].label,
        cell.precision,
        cell.protocol,
        str(cell.n),
        spread(cell.accuracy),
        "" if interval is None else f"± {interval:.2f}",
        "" if cell.one_run is None else f"{cell.one_run:.2f}",
        cell.paper or "–",
        signed(cell.difference),
        spread(cell.train),
        spread(cell.best),
        _whole(cell.updates),
        _whole(cell.samples),
        _duration(cell.wall_seconds),
        "" if cell.measuring is None else f"{100 * cell.measuring:.1f} %",
        cell.hardware,
        cell.commits,
        cell.note(),
    )


def data(records: Records, table: int = 1) -> Table:
    """Every cell, then every variant, as numbers: percent, updates, samples, seconds."""
    header = (
        "kind", "workload", "method", "run", "experiment", "n", "mean", "std", "interval95", "paper",
        "difference", "train_mean", "train_std", "best_mean", "best_std", "updates", "samples",
        "wall_seconds", "measuring_share", "one_run_error", "batch_size", "epochs", "precision", "protocol",
        "hardware", "commits", "left_out",
    )  # fmt: skip
    cells = [_data_row("cell", cell) for cell in _cells(records, table)]
    others = [_data_row("variant", measure(group)) for group in _variants(records, table)]
    return Table(header, tuple(cells + others))


def _data_row(kind: str, m: Measured) -> tuple[str, ...]:
    return (
        *(kind, m.workload, m.method, m.run, m.experiment, str(m.n)),
        *_numbers(m.accuracy),
        _number(m.accuracy.half_width if m.accuracy else None),
        m.paper,
        _number(m.difference),
        *_numbers(m.train),
        *_numbers(m.best),
        *("" if value is None else str(value) for value in (m.updates, m.samples)),
        _number(m.wall_seconds, 1),
        _number(m.measuring),
        _number(m.one_run),
        "" if m.batch_size is None else str(m.batch_size),
        "" if m.epochs is None else f"{m.epochs:g}",
        *(m.precision, m.protocol, m.hardware, m.commits, m.note()),
    )


def _cells(records: Records, table: int) -> list[Measured]:
    return [measure_cell(records, row, m) for row in rows_of_table(records, table) for m in METHODS]


def _variants(records: Records, table: int) -> list[Group]:
    # What is in no table of the paper is shown with Table 1.
    return [g for g in records.variants if (g.workload in paper.workloads(2)) == (table == 2)]


def _numbers(summary: Summary | None) -> tuple[str, str]:
    return (_number(summary.mean), _number(summary.std)) if summary else ("", "")


def _number(value: float | None, digits: int = 4) -> str:
    # + 0.0 turns a rounded -0.0 into 0.0
    return "" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"


def signed(value: float | None) -> str:
    """In points, with its sign; empty for None."""
    return "" if value is None else f"{round(value, 2) + 0.0:+.2f}"


def _whole(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
