"""What a recorded run was asked for: how it differs from its cell, and the words that ask for it again."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gengap.config.identity import recorded_differences
from gengap.config.keys import path_keys
from gengap.config.schema import FP32, PAPER, deviation
from gengap.config.shipped import cells, experiment_config
from gengap.errors import UserError

Record = Mapping[str, Any]  # of a run.json


def differences(record: Record) -> str:
    """What a run differs in from the cell of its workload and method, as `key=value`; empty for the cell.

    A precision or protocol that the paper doesn't state comes first, by its name alone.
    """
    try:
        mark = deviation(*_kind(record))
        words = _changed(record) if _experiment(record) else []
    except (KeyError, TypeError, AttributeError, UserError):
        return ""  # of a damaged record, or a protocol that is no longer there
    return " ".join([mark, *words] if mark else words)


def selection(records: Sequence[Record]) -> list[str]:
    """The words of `gengap train` for runs of one cell, without where they are kept; empty if not recorded.

    A workload of the user's own that no experiment describes does not say what it was composed of.
    """
    try:
        experiment = _experiment(records[0])
        if not experiment:
            return []
        precision, protocol = _kind(records[0])
        kind = {"precision": (precision, FP32), "protocol": (protocol, PAPER)}
        words = [f"{key}={value}" for key, (value, stated) in kind.items() if value != stated]
        seeds = ",".join(str(record["seed"]) for record in records)
        return [f"+experiment={experiment}", *words, *_changed(records[0]), f"seed={seeds}"]
    except (KeyError, TypeError, AttributeError, UserError):
        return []


def _kind(record: Record) -> tuple[str, str]:
    return record["config"]["precision"], record["config"]["protocol"]["name"]


def _experiment(record: Record) -> str:
    """The experiment of the run's workload and method; empty if there is none."""
    return cells().get((record["workload"], record["method"]), "")


def _changed(record: Record) -> list[str]:
    """The settings that differ from the experiment's at the same precision and protocol."""
    _, protocol = _kind(record)
    changed = recorded_differences(record["config"], experiment_config(_experiment(record), protocol))
    return [f"{key}={_typed(key, value)}" for key, value in sorted(changed.items()) if key != "precision"]


def _typed(key: str, value: Any) -> str:
    if key in path_keys():
        return str(value)
    return json.dumps(value, separators=(",", ":")).replace('"', "")
