"""Parts of a run, or of a record of measurements, that was continued by another version or machine."""

from collections.abc import Iterable, Mapping
from typing import Any

from gengap.runs.schema import BEGAN_AFTER, EARLIER, ORIGIN

SEPARATOR = "; "  # between the values of several parts


def parts(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List a record's parts in order, with versions, commit, hardware and how much was done when they began.

    The latter is counted in updates of a run, or in measurements; None if an older record doesn't state it.
    """
    own = {key: record[key] for key in (*ORIGIN, BEGAN_AFTER) if key in record}
    found = enumerate([*record.get(EARLIER, []), own])
    return [part | {BEGAN_AFTER: part.get(BEGAN_AFTER, None if k else 0)} for k, part in found]


def continued(record: Mapping[str, Any], origin: Mapping[str, Any], done: int) -> dict[str, Any]:
    """Compute the fields describing a record's parts once a process of this `origin` continues it.

    Parts of which nothing is left are dropped, such as a process killed before its first checkpoint.

    Args:
        record: current record; empty before the first part.
        origin: versions, commit and hardware, as returned by provenance.origin.
        done: number of updates, or measurements, that are kept.
    """
    before = [part for part in parts(record) if (part[BEGAN_AFTER] or 0) < done] if record else []
    began: int | None = done
    if before and all(before[-1][key] == value for key, value in origin.items()):
        began = before.pop()[BEGAN_AFTER]
    return {**origin, BEGAN_AFTER: began, EARLIER: before}


def joined(values: Iterable[str | None]) -> str | None:
    """Join the distinct values of parts in order; None if there are none."""
    found = dict.fromkeys(value for value in values if value is not None)
    return SEPARATOR.join(found) if found else None
