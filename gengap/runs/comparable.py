"""What the runs of a mean must share: their data, and the source of a network of the user's own."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

DIFFERS = {"data": "on other data", "network": "of another network"}  # in words, by column of `read_runs`


def fingerprints(record: Mapping[str, Any]) -> dict[str, str | None]:
    """Those of a record, by column; None where an older version recorded none, or the network is gengap's."""
    data = record["data"].get("fingerprint")
    return {
        "data": "-".join(data.values()) if data is not None else None,  # of its splits
        "network": record.get("network", {}).get("fingerprint"),
    }


def usual(found: Collection[str]) -> str:
    """The most common one; the first of several."""
    [(most, _)] = Counter(found).most_common(1)
    return most


def left_out(records: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Which of some finished runs a mean over them leaves out, by index, and in what they differ."""
    found: dict[int, str] = {}
    for column, words in DIFFERS.items():
        known = {i: fingerprints(r)[column] for i, r in enumerate(records) if i not in found}
        values = [value for value in known.values() if value is not None]
        found |= {i: words for i, v in known.items() if v is not None and v != usual(values)}
    return found
