"""Records and rows of metrics by hand, with all that gengap.runs.schema asks for."""

from typing import Any

STUB = {
    "workload": {"name": "digits_f1", "epochs": 10},
    "method": {"name": "sb", "batch_size": 16},
    "protocol": {"name": "paper"},
    "precision": "fp32",
}


def record(config: dict[str, Any] = STUB, updates: int = 1, **changes: Any) -> dict[str, Any]:
    """The record of a run that is training."""
    found = {
        "format": 1,
        "status": "running",
        "workload": config["workload"]["name"],
        "method": config["method"]["name"],
        "digest": "0badcafe",
        "seed": config.get("seed", 0),
        "config": config,
        "versions": {"torch": "2.11.0"},
        "git_commit": None,
        "hardware": {"device": "cpu", "name": "AMD EPYC", "threads": 1},
        "data": {"train": 1437, "validation": 360},
        "regime": {"updates": updates, "milestones": [], "lr": [0.1]},
    }
    return found | changes


def finished(config: dict[str, Any] = STUB, updates: int = 1, **changes: Any) -> dict[str, Any]:
    """The record of a finished run."""
    summary = {
        "updates": updates,
        "samples_seen": 160,
        "last_val_accuracy": 90.0,
        "best_val_accuracy": 91.0,
        "train_accuracy": 95.0,
        "distance": 1.5,
    }
    return record(
        config, updates, **{"status": "finished", "wall_seconds": 1.0, "summary": summary} | changes
    )


def row(update: int = 1, **changes: Any) -> dict[str, Any]:
    """A row of metrics, of an evaluation if `changes` has one of its keys."""
    found = {"update": update, "epoch": update / 10, "lr": 0.1, "distance": 0.5}
    found |= {"gradient_norm": 1.0, "clipped": 0.0, "seconds": 2.0 * update}
    evaluation = {"train_loss": 0.1, "train_error": 1.0, "val_loss": 0.2, "val_error": 2.0}
    return found | (evaluation if evaluation.keys() & changes.keys() else {}) | changes


def fitted(record: dict[str, Any], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a finished run, ending as its record says; of a single row, the best value is the last."""
    summary = record["summary"]
    *before, last = rows
    if summary["best_val_accuracy"] != summary["last_val_accuracy"]:
        if not before and last["update"] > 1:
            before = [row(last["update"] // 2)]
        if before:
            before[-1] = row(**before[-1] | {"val_error": 100 - summary["best_val_accuracy"]})
        else:
            summary["best_val_accuracy"] = summary["last_val_accuracy"]
    ends = {"val_error": 100 - summary["last_val_accuracy"], "distance": summary["distance"]}
    if "last_val_top5_accuracy" in summary:
        ends["val_top5_error"] = 100 - summary["last_val_top5_accuracy"]
    return [*before, row(**last | {"seconds": record["wall_seconds"]} | ends)]
