"""What runs must share to be averaged: their data, and the source code of a user's own network."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

DIFFERS = {"data": "on other data", "network": "of another network"}  # wording, by column of `read_runs`


def fingerprints(record: Mapping[str, Any]) -> dict[str, str | None]:
    """Fingerprints in a record, by column; None if none was recorded or the network is gengap's."""
    data = record["data"].get("fingerprint")
    return {
        "data": "-".join(data.values()) if data is not None else None,  # one per split
        "network": record.get("network", {}).get("fingerprint"),
    }


def usual(found: Collection[str]) -> str:
    """Return the most common value; the first of them if there is a tie."""
    [(most, _)] = Counter(found).most_common(1)
    return most


def left_out(records: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Find which finished runs must be left out of a mean, by index, and how they differ."""
    found: dict[int, str] = {}
    for column, words in DIFFERS.items():
        known = {i: fingerprints(r)[column] for i, r in enumerate(records) if i not in found}
        values = [value for value in known.values() if value is not None]
        found |= {i: words for i, v in known.items() if v is not None and v != usual(values)}
    return found
