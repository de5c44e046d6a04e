"""Description of a data set, recorded with a run and compared when the run resumes."""

from collections.abc import Mapping, Sequence
from typing import Any

from gengap.data.fingerprint import fingerprint
from gengap.data.sources import Source
from gengap.data.splits import Splits

MOST_NAMES = 1000  # the number in ImageNet; keeps records small
_COUNTS = {
    "train": "the training set had {} images and has {} now",
    "validation": "the validation set had {} images and has {} now",
    "classes": "there were {} classes and are {} now",
}
_SPLITS = {"train": "training", "test": "test"}


def describe(source: Source, splits: Splits) -> dict[str, Any]:
    """Describe a data set in JSON: numbers of training and validation images, classes, fingerprint by split.

    `class_names` are included if they are known and there are at most MOST_NAMES.

    Raises:
        UserError: an image file can't be read.
    """
    found = {
        "train": len(splits.train),
        "validation": len(splits.validation),
        "classes": int(source.num_classes),
        "fingerprint": fingerprint(source),
    }
    if not 0 < len(source.class_names) <= MOST_NAMES:
        return found
    # A folder's name may contain bytes that aren't valid text
    return found | {"class_names": [n.encode(errors="backslashreplace").decode() for n in source.class_names]}


def what_changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Describe how two descriptions of a data set differ; empty if they agree.

    Args:
        before: earlier result of `describe`; anything older versions did not record counts as unchanged.
        now: current result of `describe`.
    """
    known = {key: before.get(key, value) for key, value in now.items()}
    found = [text.format(known[k], now[k]) for k, text in _COUNTS.items() if known[k] != now[k]]
    if known["fingerprint"] != now["fingerprint"]:
        found += _renamed(before.get("class_names", []), now.get("class_names", []))
        others = [
            n for split, n in _SPLITS.items() if known["fingerprint"].get(split) != now["fingerprint"][split]
        ]
        found = found or [f"images or labels of the {' and the '.join(others)} set are not the same"]
    return ", ".join(found)


def _renamed(before: Sequence[str], now: Sequence[str]) -> list[str]:
    gone, new = ([n for n in a if n not in b] for a, b in ((before, set(now)), (now, set(before))))
    lists = (("gone", gone), ("new", new)) if before and now else ()
    return [f"{_some(names)} {'is' if len(names) == 1 else 'are'} {what}" for what, names in lists if names]


def _some(names: Sequence[str], shown: int = 3) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"class{'es' if len(names) > 1 else ''} {', '.join(map(repr, names[:shown]))}{more}"
