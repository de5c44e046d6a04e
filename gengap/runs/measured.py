"""All records of measurements, and the schema of each kind: every key the report reads, its type and range.

Other keys may have any value. Numbers that were not finite are null, where that can happen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gengap.errors import UnreadableError
from gengap.runs.checks import Check, boolean, each, keys, name, number, or_null, text, tree, whole
from gengap.runs.folders import measurement_files
from gengap.runs.measurements import TO_MEASURE_AGAIN, read_measurement
from gengap.runs.record import damaged
from gengap.runs.schema import CONFIG, sentence

_NOT_NEGATIVE = number(0)
_MAXIMUM = {
    "batch_norm": name,
    "loss": number(),
    "max_loss": number(),
    "evaluations": whole(),
    "line_search": text,
    "sharpness": number(),
}
_RULES = ("none", "sqrt")


KINDS: Mapping[str, Check] = {
    "sharpness": keys({"epsilon": number(1e-100), "subspace": or_null(whole(1)), **_MAXIMUM}),
    "adaptive": keys({"rho": number(1e-100), **_MAXIMUM}),
    "line": keys(
        {
            "alpha": number(),
            "path": text,
            "batch_norm": name,
            **{f"{split}_loss": or_null(number()) for split in ("train", "val")},
            **{f"{split}_error": or_null(number(0, 100)) for split in ("train", "val")},
        }
    ),
    "accuracy": keys(
        {
            "batch_norm": name,
            **{f"{split}_loss": number() for split in ("train", "val")},
            **{f"{split}_error": number(0, 100) for split in ("train", "val")},
            "run_val_accuracy": number(0, 100),
        }
    ),
    "curvature": keys(
        {
            "batch_norm": name,
            "loss": number(),
            "eigenvalues": each(number()),
            "trace": number(),
            "trace_error": _NOT_NEGATIVE,
            "products": whole(),
            "converged": boolean,
        }
    ),
    "potential": keys(
        {
            "batch_norm": name,
            "initial": text,
            "radius": number(1e-100),
            "loss": number(),
            "distances": each(_NOT_NEGATIVE),
            "losses": each(number()),
        }
    ),
    "walk": keys(
        {
            "batch_norm": name,
            "update": whole(),
            "batch_size": whole(1),
            "ghost_size": or_null(whole(1)),
            "draws": whole(1),
            "covariance": number(),
            "covariance_error": _NOT_NEGATIVE,
            "squared_mean": number(),
            "squared_mean_error": _NOT_NEGATIVE,
            "noise_scale": or_null(number()),
            "noise_scale_error": or_null(_NOT_NEGATIVE),
            **{f"lr_{rule}": number() for rule in _RULES},
            **{f"step_covariance_{rule}": or_null(number()) for rule in _RULES},
        }
    ),
}


@dataclass(frozen=True)
class MeasuredStore:
    """The records of measurements in a results directory, and an error for each unreadable one."""

    records: tuple[dict[str, Any], ...]
    unreadable: tuple[UnreadableError, ...]


def read_measured(results_dir: Path) -> MeasuredStore:
    """Read every record below results_dir/landscape, sorted by file."""
    found = []
    files, unreadable = measurement_files(results_dir)
    for file in files:
        try:
            if record := read_measurement(file):
                check_kind(file, record)
                found.append(record | {"file": file.relative_to(results_dir).as_posix()})
        except UnreadableError as error:
            unreadable.append(error)
    return MeasuredStore(tuple(found), tuple(unreadable))


def check_kind(file: Path, record: Mapping[str, Any]) -> None:
    """Check the keys of a record that only its kind has, and those of its run's configuration.

    Raises:
        UnreadableError: one is missing or invalid, or this version does not know the kind.
    """
    kind = record["kind"]
    if kind not in KINDS:
        raise UnreadableError(file, f"is of a kind that this version does not know ({kind}): update gengap")
    wrong = keys({"config": _is_both(CONFIG, keys({kind: tree})), "measurements": each(KINDS[kind])})(record)
    if wrong:
        raise UnreadableError(file, damaged(sentence(wrong), TO_MEASURE_AGAIN))


def _is_both(first: Check, second: Check) -> Check:
    return lambda value: first(value) or second(value)
