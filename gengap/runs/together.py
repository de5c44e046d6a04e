"""Check whether a record and metrics belong to the same run."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from gengap.runs.schema import METRICS_DIGEST, Status


def metrics_digest(data: bytes) -> str:
    """SHA-256 of the lines of a metrics.jsonl, in hexadecimal; stored in the record of a run that has ended.

    An unterminated last line is ignored; \\r\\n counts as \\n, since a checkout may have converted it.
    """
    lines = data.replace(b"\r\n", b"\n")
    return hashlib.sha256(lines[: lines.rfind(b"\n") + 1]).hexdigest()


def summary_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Compute summary values from the rows of a finished run, the last of which is an evaluation."""
    last, errors = rows[-1], [row["val_error"] for row in rows if "val_error" in row]
    top5 = last.get("val_top5_error")
    return {
        "last_val_accuracy": round(100 - last["val_error"], 4),
        "best_val_accuracy": round(100 - min(errors), 4),
        "distance": last["distance"],
    } | ({} if top5 is None else {"last_val_top5_accuracy": round(100 - top5, 4)})


def contradiction(record: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], data: bytes) -> str:
    """Describe how the metrics contradict the record; empty if they don't.

    Args:
        record: content of a run.json that passes the schema.
        rows: rows of metrics.jsonl.
        data: bytes of metrics.jsonl.
    """
    updates, is_finished = record["regime"]["updates"], record["status"] == Status.FINISHED
    if is_finished and not rows:
        return "it is missing or empty"
    if rows and (rows[-1]["update"] > updates or (is_finished and rows[-1]["update"] != updates)):
        return f"it ends at update {rows[-1]['update']} of {updates}"
    tensors = {len(row["tensor_distances"]) for row in rows if "tensor_distances" in row}
    if tensors - {len(record["tensors"])} if "tensors" in record else len(tensors) > 1:
        return "its tensor_distances are not those of the record's tensors"
    if is_finished and any(row["distance"] is None for row in rows):
        return "its distance is not finite, but the run has finished"
    wrong = _other_end(record, rows) if is_finished else ""
    if not wrong and record.get(METRICS_DIGEST, metrics_digest(data)) != metrics_digest(data):
        wrong = "its SHA-256 is not the one in run.json"
    return f"or of another run: {wrong}" if wrong else ""


def _other_end(record: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    if "val_error" not in rows[-1]:
        return "its last row is no evaluation"
    said = {"wall_seconds": record["wall_seconds"], **record["summary"]}
    found = {"wall_seconds": rows[-1]["seconds"], **summary_of(rows)}
    different = (key for key, value in found.items() if said.get(key) != value)
    return next((f"it ends with {key} {found[key]}, run.json with {said.get(key)}" for key in different), "")
