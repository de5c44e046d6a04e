"""Tables 1 and 2 beside the paper's: the quick view, every cell at length, and the runs that stand apart."""

from gengap.report import paper
from gengap.report.cells import Group, Records, rows_of_table
from gengap.report.markup import Table
from gengap.report.measure import Measured, measure, measure_cell, state
from gengap.report.statistics import Summary
from gengap.report.style import METHODS


def quick(records: Records, table: int = 1) -> Table:
    """Workloads against methods: ours above the paper's number as printed."""
    rows: list[tuple[str, ...]] = []
    for row in rows_of_table(records, table):
        ours = (_quick_cell(measure_cell(records, row, m)) for m in METHODS)
        printed = (paper.accuracy(row, m) or "–" for m in METHODS)
        rows += [(paper.title(row), "ours", *ours), ("", "paper", *printed)]
    return Table(("workload", "", *(look.label for look in METHODS.values())), tuple(rows), labels=2)


def _quick_cell(cell: Measured) -> str:
    if cell.accuracy is None:
        return cell.note()
    note = cell.note()
    return f"{spread(cell.accuracy)} (n={cell.n}{'; ' + note if note else ''})"


def spread(summary: Summary | None) -> str:
    """`mean ± std`; no ± for one seed, empty without any."""
    if summary is None:
        return ""
    return f"{summary.mean:.2f}" + ("" if summary.std is None else f" ± {summary.std:.2f}")


def long(records: Records, table: int = 1) -> Table:
    """Every cell of the rows there are, for reading."""
    header = (
        "workload", "method", "n", "last val. % ± std", "95 %", "paper", "difference", "train %",
        "best val. % (not used)", "updates", "samples", "wall time", "hardware", "commit", "left out",
    )  # fmt: skip
    rows = tuple(_long_row(cell) for cell in _cells(records, table))
    return Table(header, rows, labels=2)


def _long_row(cell: Measured) -> tuple[str, ...]:
    interval = cell.accuracy.half_width if cell.accuracy else None
    return (
        cell.workload,
        METHODS[cell.method].label,
        str(cell.n),
        spread(cell.accuracy),
        "" if interval is None else f"± {interval:.2f}",
        cell.paper or "–",
        _signed(cell.difference),
        spread(cell.train),
        spread(cell.best),
        _whole(cell.updates),
        _whole(cell.samples),
        _duration(cell.wall_seconds),
        cell.hardware,
        cell.commits,
        cell.note(),
    )


def variants(records: Records, table: int = 1) -> Table:
    """Runs of the table's workloads that are no cell of it: other settings, precisions, protocols."""
    header = (
        "run", "experiment", "batch", "epochs", "precision", "protocol", "n", "last val. % ± std", "left out",
    )  # fmt: skip
    rows = []
    for group in _variants(records, table):
        m = measure(group)
        epochs = "" if m.epochs is None else f"{m.epochs:g}"
        rows.append(
            (m.run, m.experiment or "–", str(m.batch_size), epochs, m.precision, m.protocol, str(m.n))
            + (spread(m.accuracy), m.note())
        )
    return Table(header, tuple(rows), labels=2)


def unfinished(records: Records, table: int | None = None) -> Table:
    """Runs (of a table's workloads) that are in no mean, and where they lie under the results directory."""
    rows = records.runs[records.runs["status"] != "finished"]
    if table is not None:
        rows = rows[rows["workload"].isin(paper.workloads(2)) == (table == 2)]
    found = (
        (str(run), str(seed), state(str(status)), f"runs/{run}/seed{seed}")
        for run, seed, status in zip(rows["run"], rows["seed"], rows["status"], strict=True)
    )
    return Table(("run", "seed", "status", "records"), tuple(found), labels=4)


def unreadable(records: Records) -> Table:
    """Records that are damaged or of a newer version, and what to do about them."""
    return Table(("file", "what is wrong"), records.unreadable, labels=2)


def data(records: Records, table: int = 1) -> Table:
    """Every cell, then every variant, as numbers: percent, updates, samples, seconds."""
    header = (
        "kind", "workload", "method", "run", "experiment", "n", "mean", "std", "interval95", "paper",
        "difference", "train_mean", "train_std", "best_mean", "best_std", "updates", "samples",
        "wall_seconds", "batch_size", "epochs", "precision", "protocol", "hardware", "commits", "left_out",
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
        "" if m.batch_size is None else str(m.batch_size),
        "" if m.epochs is None else f"{m.epochs:g}",
        *(m.precision, m.protocol, m.hardware, m.commits, m.note()),
    )


def _cells(records: Records, table: int) -> list[Measured]:
    return [measure_cell(records, row, m) for row in rows_of_table(records, table) for m in METHODS]


def _variants(records: Records, table: int) -> list[Group]:
    return [group for group in records.variants if _in_table(group.workload, table)]


def _in_table(workload: str, table: int) -> bool:
    # What is in no table of the paper is shown with Table 1.
    return (workload in paper.workloads(2)) == (table == 2)


def _numbers(summary: Summary | None) -> tuple[str, str]:
    return (_number(summary.mean), _number(summary.std)) if summary else ("", "")


def _number(value: float | None, digits: int = 4) -> str:
    # + 0.0 turns a rounded -0.0 into 0.0
    return "" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{round(value, 2) + 0.0:+.2f}"


def _whole(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
