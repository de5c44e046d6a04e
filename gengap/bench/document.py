"""The file with a machine's measurements, each of which is replaced by a later one of the same case."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gengap.errors import FaultError
from gengap.faults import check_is_file
from gengap.report.hessian import HESSIAN
from gengap.report.peers import PEERS
from gengap.report.photographs import PHOTOGRAPHS
from gengap.runs.store import write_atomically

Row = dict[str, Any]
ROWS = "rows"  # comparisons with the typical loop


def _case(row: Row) -> tuple[Any, ...]:
    return row["workload"], row["method"], row["precision"]


def _trained(row: Row) -> tuple[Any, ...]:
    return row["workload"], row["batch_size"], row["method"], row["precision"] == "bf16"


def _of_trainer(row: Row) -> tuple[Any, ...]:
    return *_trained(row), row["trainer"]


def _of_library(row: Row) -> tuple[Any, ...]:
    return row["workload"], row["method"], row["samples"], row["library"]


# For each key in the file: what identifies a row, and the sort order of rows
_ORDERS: dict[str, tuple[Callable[[Row], tuple[Any, ...]], Callable[[Row], tuple[Any, ...]]]] = {
    ROWS: (_case, _trained),
    PHOTOGRAPHS: (_case, _case),
    PEERS: (_of_trainer, _of_trainer),
    HESSIAN: (_of_library, _of_library),
}


def merged(
    path: Path, machine: dict[str, Any], kind: str = ROWS, found: Sequence[Row] = ()
) -> dict[str, Any]:
    """Merge new measurements into those in the file, replacing those of the same cases.

    Args:
        path: path of the file, which need not exist.
        machine: hardware, versions and rates, as returned by `machine.peak_rates`.
        kind: key in the file: ROWS, PHOTOGRAPHS, PEERS or HESSIAN.
        found: new rows.

    Raises:
        FaultError: the file is damaged.
    """
    try:
        earlier = json.loads(path.read_text()) if check_is_file(path) else {}
        rows = {key: list(earlier.get(key, ())) for key in _ORDERS}
        for key, (identity, order) in _ORDERS.items():
            new = list(found) if key == kind else []
            replaced = set(map(identity, new))
            rows[key] = sorted([row for row in rows[key] if identity(row) not in replaced] + new, key=order)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FaultError(f"{path} is not a measurement of gengap bench: move it away") from error
    return machine | {key: of_kind for key, of_kind in rows.items() if of_kind or key == ROWS}


def write(path: Path, document: dict[str, Any]) -> None:
    """Write the document, replacing the file."""
    write_atomically(path, (json.dumps(document, indent=1) + "\n").encode())
