"""Fingerprint of metrics.jsonl at the time a checkpoint was saved, stored in the checkpoint."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gengap.errors import UnreadableError
from gengap.faults import PASSING, check_is_file
from gengap.runs.record import METRICS, parse_rows

LENGTH, DIGEST = "metrics_bytes", "metrics_sha256"


def fingerprint(rows: bytes) -> dict[str, Any]:
    """Entries for a checkpoint that is saved while metrics.jsonl contains these bytes."""
    return {LENGTH: len(rows), DIGEST: hashlib.sha256(rows).hexdigest()}


def changed_since(directory: Path, state: Mapping[str, Any]) -> str:
    """Explain why the checkpoint `state` can't continue with metrics.jsonl; empty if it can.

    Rows appended since then don't count as a change. Checkpoints older than the digests only store the file's
    length; the rows up to there must then be readable.
    """
    file, length = directory / METRICS, state.get(LENGTH, 0)
    try:
        rows = _start(file, length) if check_is_file(file) else b""
        if len(rows) < length:
            return f"{METRICS} is shorter than when it was saved"
        if DIGEST in state:
            return "" if fingerprint(rows)[DIGEST] == state[DIGEST] else f"{METRICS} has changed since"
        parse_rows(file, rows)
    except UnreadableError as error:
        return f"{METRICS} {error.reason.partition(':')[0]}"
    except OSError as error:
        if error.errno in PASSING:
            raise
        return f"{METRICS}: {error.strerror}"
    return ""


def _start(file: Path, length: int) -> bytes:
    with file.open("rb") as opened:
        return opened.read(length)
