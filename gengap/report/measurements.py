"""Files written by `gengap bench`: every key that the report reads, with its type and range."""

from pathlib import Path
from typing import Any

from gengap.config.checks import PRECISIONS
from gengap.errors import UnreadableError
from gengap.report.peers import PEERS
from gengap.report.photographs import PHOTOGRAPHS
from gengap.runs.checks import each, each_value, keys, number, one_of, or_null, text, whole
from gengap.runs.folders import entries
from gengap.runs.record import file_bytes
from gengap.runs.schema import ORIGIN
from gengap.runs.strict_json import parse

_POSITIVE = number(1e-9, 1e12)
_NOT_NEGATIVE = number(0, 1e12)
_ROW = keys(
    {
        "workload": text,
        "method": text,
        "precision": one_of(*PRECISIONS),
        "batch_size": whole(1),
        "ghost_size": or_null(whole(1)),
        "turns": whole(),
        "git_commit": or_null(text),
        "ratio": _POSITIVE,
        "seconds_per_epoch": _POSITIVE,
        "matrix_share": _NOT_NEGATIVE,
        "gengap_seconds": _POSITIVE,
        "gengap_memory": _NOT_NEGATIVE,
        "gengap_start": _NOT_NEGATIVE,
        "gengap_first_update": _NOT_NEGATIVE,
        "typical_seconds": _POSITIVE,
        "typical_memory": _NOT_NEGATIVE,
    },
    {
        "engine": text,
        "copy_share": _NOT_NEGATIVE,
        "ratio_low": _POSITIVE,
        "ratio_high": _POSITIVE,
        "gengap_seconds_low": _POSITIVE,
        "gengap_seconds_high": _POSITIVE,
    },
)
_DECODED = keys(
    {
        "workload": text,
        "method": text,
        "precision": one_of(*PRECISIONS),
        "files": whole(1),
        "file_bytes": whole(),
        "resize": whole(1),
        "crop": whole(1),
        "cores": whole(1),
        "ratio": _POSITIVE,
        "gengap_seconds": _POSITIVE,
        "image_folder_seconds": _POSITIVE,
        "update_seconds": _POSITIVE,
    },
    {"folder": text},
)
_PEER = keys(
    {
        "workload": text,
        "method": text,
        "precision": one_of(*PRECISIONS),
        "batch_size": whole(1),
        "ghost_size": or_null(whole(1)),
        "trainer": text,
        "versions": each_value(text),
        "turns": whole(1),
        "ratio": _POSITIVE,
        "ratio_low": _POSITIVE,
        "ratio_high": _POSITIVE,
        "seconds": _POSITIVE,
        "gengap_seconds": _POSITIVE,
        "memory": _NOT_NEGATIVE,
        "gengap_memory": _NOT_NEGATIVE,
    }
)
_DOCUMENT = keys(
    {
        "versions": ORIGIN["versions"],
        "hardware": ORIGIN["hardware"],
        "matrix_gflops": each_value(_NOT_NEGATIVE),
        "copy_gbs": _NOT_NEGATIVE,
        "rows": each(_ROW),
    },
    {PHOTOGRAPHS: each(_DECODED), PEERS: each(_PEER)},
)


def read_measurements(results_dir: Path) -> tuple[list[dict[str, Any]], list[UnreadableError]]:
    """Read the measurements in results_dir/bench, one per machine, and an error per unreadable one."""
    found: list[dict[str, Any]] = []
    unreadable: list[UnreadableError] = []
    files = (path for path in entries(results_dir / "bench", unreadable) if path.suffix == ".json")
    for path in sorted(files):
        try:
            document = parse(file_bytes(path) or b"")
            wrong = _DOCUMENT(document)
        except UnreadableError as error:
            unreadable.append(error)
            continue
        except ValueError as error:
            wrong = f" {error}"
        if wrong:
            reason = f"is not a measurement of gengap bench ({wrong[1:]})"
            unreadable.append(UnreadableError(path, reason))
        else:
            found.append(document)
    return found, unreadable
