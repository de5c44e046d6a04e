"""How a recorded run was requested: how it differs from its cell, and the words that request it again."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gengap.config.identity import recorded_differences
from gengap.config.keys import path_keys
from gengap.config.schema import FP32, PAPER, deviation
from gengap.config.shipped import cells, experiment_config
from gengap.errors import UserError

Record = Mapping[str, Any]  # content of a run.json


def differences(record: Record) -> str:
    """Describe how a run differs from the cell of its workload and method, as `key=value`; empty if equal.

    A precision or protocol other than the paper's comes first, by name only.
    """
    try:
        mark = deviation(*_kind(record))
        words = _changed(record) if _experiment(record) else []
    except (KeyError, TypeError, AttributeError, UserError):
        return ""  # the record is damaged, or its protocol no longer exists
    return " ".join([mark, *words] if mark else words)


def selection(records: Sequence[Record]) -> list[str]:
    """Find the words of `gengap train` for runs of one cell; empty if not recorded.

    Paths, which are results_dir and data.root, are not recorded. For a user's own workload without an
    experiment, the record doesn't tell how it was composed.
    """
    try:
        experiment = _experiment(records[0])
        if not experiment:
            return []
        precision, protocol = _kind(records[0])
        kind = {"precision": (precision, FP32), "protocol": (protocol, PAPER)}
        words = [f"{key}={value}" for key, (value, stated) in kind.items() if value != stated]
        seeds = ",".join(str(record["seed"]) for record in records)
        kept = ["runtime.keep_weights=true"] if records[0]["config"]["runtime"].get("keep_weights") else []
        return [f"+experiment={experiment}", *words, *_changed(records[0]), f"seed={seeds}", *kept]
    except (KeyError, TypeError, AttributeError, UserError):
        return []


def _kind(record: Record) -> tuple[str, str]:
    return record["config"]["precision"], record["config"]["protocol"]["name"]


def _experiment(record: Record) -> str:
    """Experiment of the run's workload and method; empty if there is none."""
    return cells().get((record["workload"], record["method"]), "")


def _changed(record: Record) -> list[str]:
    """Settings that differ from the experiment's at the same precision and protocol."""
    _, protocol = _kind(record)
    changed = recorded_differences(record["config"], experiment_config(_experiment(record), protocol))
    return [f"{key}={_typed(key, value)}" for key, value in sorted(changed.items()) if key != "precision"]


def _typed(key: str, value: Any) -> str:
    if key in path_keys():
        return str(value)
    return json.dumps(value, separators=(",", ":")).replace('"', "")
