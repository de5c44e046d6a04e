"""What to expect from each method, according to the paper and to the report on our own runs."""

import csv
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from gengap.config.schema import FP32, PAPER
from gengap.errors import UnreadableError
from gengap.faults import check_is_file, reason
from gengap.paper.methods import METHODS
from gengap.paper.tables import Published, published

REMEDIES = ("lb_lr", "lb_gbn", "lb_ra")
TABLES = (1, 2)
_FILES = (*(f"table{table}.csv" for table in TABLES), "demo.csv", "other.csv")


@dataclass(frozen=True)
class GapClosed:
    """Share (%) of the gap SB - LB closed by each of REMEDIES: mean and range over the rows of a table.

    rows: number of rows. batches: batch sizes of the LB cells.
    """

    table: int
    rows: int
    batches: tuple[int, ...]
    mean: dict[str, float]
    lowest: dict[str, float]
    highest: dict[str, float]


def closed_in_paper(table: int) -> GapClosed:
    """Compute the published shares for Table 1 or 2."""
    rows: dict[str, dict[str, Published]] = {}
    for cell in published():
        if cell.table == table:
            rows.setdefault(cell.row, {})[cell.method] = cell
    shares = {m: [_share(row, m) for row in rows.values()] for m in REMEDIES}
    return GapClosed(
        table,
        len(rows),
        tuple(sorted({row["lb"].batch_size for row in rows.values()})),
        {m: fmean(values) for m, values in shares.items()},
        {m: min(values) for m, values in shares.items()},
        {m: max(values) for m, values in shares.items()},
    )


def _share(row: dict[str, Published], method: str) -> float:
    value = {name: float(cell.accuracy) for name, cell in row.items()}
    return 100 * (value[method] - value["lb"]) / (value["sb"] - value["lb"])


def paper_ratios() -> tuple[float, float]:
    """Smallest and largest B_L / B_S in the paper's tables."""
    ratios = [cell.large_batch / cell.small_batch for cell in published()]
    return min(ratios), max(ratios)


@dataclass(frozen=True)
class OwnRow:
    """A row of our report: for each method, the number of finished runs, mean accuracy (%) and its std."""

    workload: str
    precision: str
    cells: dict[str, tuple[int, float, float | None]]


def own_rows(results_dir: Path) -> list[OwnRow]:
    """Read the report's rows with finished runs that follow the paper; empty if there is no report.

    There is one row per workload: the one in fp32, or that in bf16 if nothing was trained in fp32.

    Raises:
        UnreadableError: something that is not a regular file has the name of one of the report's files.
    """
    rows: dict[tuple[str, str], OwnRow] = {}
    for file in (results_dir / "report" / name for name in _FILES):
        try:
            _add_rows(rows, _lines(file))
        except (KeyError, TypeError, ValueError, csv.Error) as error:
            wrong = "is no table of gengap report: remove it, or write it again with gengap report"
            raise UnreadableError(file, wrong) from error
    return [row for row in rows.values() if row.precision == FP32 or (row.workload, FP32) not in rows]


def _add_rows(rows: dict[tuple[str, str], OwnRow], lines: Iterable[dict[str, str]]) -> None:
    for line in lines:
        workload, precision = line["workload"], line.get("precision", FP32)
        stated = line.get("protocol", PAPER) == PAPER
        if line["kind"] == "cell" and stated and int(line["n"]) and line["method"] in METHODS:
            row = rows.setdefault((workload, precision), OwnRow(workload, precision, {}))
            std = float(line["std"]) if line["std"] else None
            row.cells[line["method"]] = int(line["n"]), float(line["mean"]), std


def _lines(path: Path) -> Iterable[dict[str, str]]:
    if not check_is_file(path):
        return
    with suppress(OSError), path.open(encoding="utf-8", newline="") as file:  # the report is optional
        yield from csv.DictReader(file)


def why_none(report: Path) -> str:
    """Explain why the report in this folder has no rows, as the rest of a sentence starting with its name."""
    try:
        next(report.iterdir(), None)
    except (FileNotFoundError, NotADirectoryError):
        return "does not exist here; a clone of gengap has it"
    except OSError as error:
        return f"can't be read: {reason(error)}"
    return "has no cell with finished runs"
