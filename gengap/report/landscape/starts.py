"""Labels for the run at the start of a line."""

from typing import Any

from gengap.config.identity import as_typed
from gengap.paper.methods import LABELS
from gengap.report.cells import Records
from gengap.report.landscape.subjects import Record
from gengap.report.places import nearest


def start_label(records: Records, record: Record) -> str:
    """Method of the run at α = 0 if it is in the same row as the end, otherwise its experiment or name."""
    run = str(record.typed.get("start", "")).rpartition("/")[0]
    experiment, row = records.places.get(run, ("", None))
    if row:
        return LABELS.get(run.rpartition("-")[0].rpartition("-")[2]) or experiment
    return experiment or _variant(records, record, run) or run or "?"


def _variant(records: Records, record: Record, run: str) -> str:
    """Label of a run that is not a cell: its experiment and how it differs from it; empty if not recorded."""
    config = _config(records, run)
    near = nearest(config) if config else None
    if not config or not near:
        return ""
    method, changed = str(config["method"]["name"]), as_typed(near.changed)
    same = near.row and changed == record.subject.row.overrides
    return LABELS[method] if same else f"{near.experiment} {changed}"


def _config(records: Records, run: str) -> dict[str, Any] | None:
    group = next((g for g in records.variants if g.run == run), None)
    return group.config or None if group else None
