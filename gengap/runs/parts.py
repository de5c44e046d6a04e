"""The parts of a run, or of a record of measurements, that another version or machine continued."""

from collections.abc import Iterable, Mapping
from typing import Any

from gengap.runs.schema import BEGAN_AFTER, EARLIER, ORIGIN

SEPARATOR = "; "  # between what several parts say


def parts(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every part of a record in order: its versions, commit and hardware, and after how much it began.

    That is counted in updates of a run, or in measurements; None where an older record does not say it.
    """
    own = {key: record[key] for key in (*ORIGIN, BEGAN_AFTER) if key in record}
    found = enumerate([*record.get(EARLIER, []), own])
    return [part | {BEGAN_AFTER: part.get(BEGAN_AFTER, None if k else 0)} for k, part in found]


def continued(record: Mapping[str, Any], origin: Mapping[str, Any], done: int) -> dict[str, Any]:
    """What a record says of its parts from now on, where a process of this `origin` continues it.

    A part of which nothing is left is no longer named, such as a process that was killed before its first
    checkpoint.

    Args:
        record: as it is; empty before the first part.
        origin: as of provenance.origin.
        done: updates, or measurements, that are kept.
    """
    before = [part for part in parts(record) if (part[BEGAN_AFTER] or 0) < done] if record else []
    began: int | None = done
    if before and all(before[-1][key] == value for key, value in origin.items()):
        began = before.pop()[BEGAN_AFTER]
    return {**origin, BEGAN_AFTER: began, EARLIER: before}


def joined(values: Iterable[str | None]) -> str | None:
    """What parts say, each text once and in order; None where none says anything."""
    found = dict.fromkeys(value for value in values if value is not None)
    return SEPARATOR.join(found) if found else None
