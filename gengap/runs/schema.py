"""Schema of run.json and of a row of metrics.jsonl: every key that gengap reads, with its type and range.

Optional keys are those that older records lack or that a run only gets later; other keys may have any value.
"""

from enum import StrEnum
from typing import Any

from gengap.runs.checks import Check, each, each_value, keys, name, number, one_of, or_null, text, tree, whole

FORMAT = 1
WEIGHTS_DIGEST, METRICS_DIGEST = "weights_sha256", "metrics_sha256"
EARLIER, BEGAN_AFTER = "earlier", "began_after"  # for runs that were continued; see runs/parts.py


class Status(StrEnum):
    """Value of `status` in a record; an interrupted run's is still `running`."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    DIVERGED = "diverged"


_PERCENT = number(0, 100)
_SECONDS = number(0, 1e10)  # 300 years
_SIZE = number(0)  # norm of a vector
_SEED = whole(high=2**63 - 1)
_LR = number()  # the configuration checks sign and size

CONFIG = keys(
    {
        "workload": keys({"name": name, "epochs": number(0)}),
        "method": keys({"name": name, "batch_size": whole(1)}),
        "protocol": keys({"name": text}),
        "precision": text,
    },
    {"seed": _SEED, "model": keys({"name": text}, {"options": tree}), "data": tree, "runtime": tree},
)
ORIGIN = {
    "versions": keys({"torch": text}, {"python": text, "gengap": text, "numpy": text}),
    "git_commit": or_null(text),
    "hardware": keys(
        {"device": text, "name": text, "threads": whole(1)}, {"features": each(text), "ranks": whole(2)}
    ),
}
PARTS = {BEGAN_AFTER: or_null(whole()), EARLIER: each(keys(ORIGIN, {BEGAN_AFTER: or_null(whole())}))}
DATA = keys(
    {"train": whole(1), "validation": whole(1)},
    {
        "classes": whole(1),
        "class_names": each(text),
        "fingerprint": each_value(text),
        "source": text,  # fingerprint of the code of a user's own data set
        "bad_photographs": each_value(each(text)),  # by split
    },
)
NETWORK = keys({"fingerprint": text})  # only for a user's own network
_SUMMARY = keys(
    {
        "updates": whole(1),
        "samples_seen": whole(1),
        "last_val_accuracy": _PERCENT,
        "best_val_accuracy": _PERCENT,
        "train_accuracy": _PERCENT,
        "distance": _SIZE,
    },
    {"last_val_top5_accuracy": _PERCENT},  # only for image files
)
RECORD = keys(
    {
        "format": whole(1),
        "status": one_of(*Status),
        "workload": name,
        "method": name,
        "digest": name,
        "seed": _SEED,
        "config": CONFIG,
        **ORIGIN,
        "data": DATA,
        "regime": keys(
            {"updates": whole(1), "milestones": each(whole()), "lr": each(_LR)},
            {"updates_per_epoch": number(0), "batch_sizes": each(whole(1)), "batch_starts": each(whole())},
        ),
    },
    {
        **PARTS,
        "network": NETWORK,
        "engine": text,
        "parameters": whole(1),
        "tensors": each(text),
        "started": text,
        "finished": text,
        "measuring_seconds": or_null(_SECONDS),
        "wall_seconds": or_null(_SECONDS),
        "summary": or_null(_SUMMARY),
        "misclassified": text,  # flags of the validation images, encoded by `bits.pack`
        "error": text,
        WEIGHTS_DIGEST: text,  # of weights.pt
        METRICS_DIGEST: text,  # of metrics.jsonl at the end of the run, from together.metrics_digest
    },
)
_FINISHED = keys({"wall_seconds": _SECONDS, "summary": _SUMMARY})

EVALUATION = {  # null if the value was not finite
    "train_loss": or_null(number()),
    "train_error": _PERCENT,
    "val_loss": or_null(number()),
    "val_error": _PERCENT,
}
_ROW = {
    "update": whole(1),
    "epoch": number(0),
    "lr": _LR,
    "distance": or_null(_SIZE),
    "gradient_norm": or_null(_SIZE),
    "clipped": number(0, 1),
    "seconds": _SECONDS,
}
ROW = keys(_ROW, {"tensor_distances": each(or_null(_SIZE))})
EVALUATED_ROW = keys(
    _ROW | EVALUATION, {"tensor_distances": each(or_null(_SIZE)), "val_top5_error": _PERCENT}
)


def record_damage(record: Any) -> str:
    """Describe what is wrong with a record; empty if it is valid."""
    wrong = RECORD(record)
    if not wrong and record["status"] == Status.FINISHED:
        wrong = _FINISHED(record)
    return sentence(wrong) or _contradiction(record)


def _contradiction(record: dict[str, Any]) -> str:
    config = record["config"]
    said_twice = {
        "workload": config["workload"]["name"],
        "method": config["method"]["name"],
        "seed": config.get("seed", record["seed"]),  # some old records lack it in their configuration
    }
    return next((f"{key} is not that of its config" for key, v in said_twice.items() if record[key] != v), "")


def row_damage(row: Any) -> str:
    """Describe what is wrong with a row of metrics; empty if it is valid."""
    is_evaluation = isinstance(row, dict) and not EVALUATION.keys().isdisjoint(row)
    check: Check = EVALUATED_ROW if is_evaluation else ROW
    return sentence(check(row))


def sentence(wrong: str) -> str:
    """Turn a check's finding into a sentence for the reader; empty if there is none."""
    return wrong.removeprefix(".") if wrong.startswith(".") else f"it{wrong}" if wrong else ""
