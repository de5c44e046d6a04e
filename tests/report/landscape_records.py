"""Records of measurements of the loss surface, written by hand."""

import json
from pathlib import Path
from typing import Any

from report_records import COMMIT, CPU, Store, _cell

from gengap.config.compose import compose_config
from gengap.config.identity import as_dict, run_name
from gengap.report.cells import read_records
from gengap.report.landscape import subjects
from gengap.report.landscape.numbers import Numbers, numbers
from gengap.report.markup import Table

SB, LB, RA = (2.0, 3.0, 2.5), (20.0, 33.0, 26.0), (1.9, 3.2, 2.4)
SURFACE = {"batch_norm": "trained", "batch": 1000, "samples": None, "dtype": "float32"}


def add_measured(
    store: Store,
    experiment: str,
    seed: int,
    kind: str,
    measurements: list[dict[str, Any]],
    settings: dict[str, Any] | None = None,
    *,
    words: str = "",
    **changes: Any,
) -> Path:
    """One record of an experiment, with some keys of the run and of the record set."""
    config = compose_config([f"+experiment={experiment}", *words.split()])
    run = run_name(config) if words else _cell(experiment).run
    modes = {m["batch_norm"] for m in measurements}
    asked = SURFACE | {"batch_norm": min(modes, default="trained")} | (settings or {})
    record = {
        "status": "finished",
        "format": 1,
        "kind": kind,
        "run": run,
        "seed": seed,
        "config": {kind: asked, **as_dict(config)},
        "versions": {"torch": "2.11.0"},
        "git_commit": COMMIT,
        "hardware": CPU,
        "weights": "0" * 64,
        "seconds": 1.5,
        "measurements": measurements,
    } | changes
    folder = store.root / "landscape" / str(record["run"]) / f"seed{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{kind}-{len(list(folder.iterdir())):08x}.json"
    file.write_text(json.dumps(record))
    return file


def sharp(value: float, epsilon: float = 1e-3, **changes: Any) -> dict[str, Any]:
    """A measurement of the sharpness."""
    found = {
        "epsilon": epsilon, "subspace": None, "batch_norm": "trained", "loss": 0.5, "sharpness": value,
        "max_loss": 0.5 + 0.015 * value, "evaluations": 12, "iterations": 10, "line_search": "limit",
        "maxcor": 10,
    }  # fmt: skip
    return found | changes


def adaptive(value: float, rho: float = 1e-2, **changes: Any) -> dict[str, Any]:
    """A measurement of the adaptive sharpness."""
    found = {key: v for key, v in sharp(value).items() if key not in ("epsilon", "subspace")}
    return found | {"rho": rho} | changes


def curved(eigenvalues: list[float], trace: float, **changes: Any) -> dict[str, Any]:
    """A measurement of the curvature."""
    found = {
        "batch_norm": "trained", "loss": 0.5, "eigenvalues": eigenvalues, "trace": trace,
        "trace_error": 0.25, "products": 60, "tolerance": 1e-3, "converged": True,
    }  # fmt: skip
    return found | changes


def on_line(alpha: float, loss: float | None, error: float, **changes: Any) -> dict[str, Any]:
    """A measurement on a line; the validation set has twice the loss and error of the training set."""
    found = {
        "alpha": alpha, "path": "linear", "batch_norm": "trained", "train_loss": loss, "train_error": error,
        "val_loss": None if loss is None else 2 * loss, "val_error": 2 * error,
    }  # fmt: skip
    return found | changes


def evaluation(mode: str, error: float, own: float) -> dict[str, Any]:
    """Errors in percent; own: the accuracy that the run recorded."""
    return {
        "batch_norm": mode, "train_loss": error / 100, "train_error": error / 2, "val_loss": 0.1,
        "val_error": error, "run_val_accuracy": own,
    }  # fmt: skip


def walked(update: int, size: int, covariance: float, squared_mean: float, **changes: Any) -> dict[str, Any]:
    """A measurement of a walk at a learning rate of 0.1 for batch 16."""
    rates = {"none": 0.1, "sqrt": 0.1 * (size / 16) ** 0.5}
    found = {
        "update": update, "batch_norm": "ghost", "batch_size": size, "ghost_size": 16, "draws": 32,
        "covariance": covariance, "covariance_error": 0.1, "squared_mean": squared_mean,
        "squared_mean_error": 0.1, "noise_scale": 40.0, "noise_scale_error": 2.0,
        **{f"lr_{rule}": lr for rule, lr in rates.items()},
        **{f"step_covariance_{rule}": lr**2 * covariance for rule, lr in rates.items()},
    }  # fmt: skip
    return found | changes


def measured(store: Store) -> Numbers:
    return numbers(subjects.read(read_records(store.root)))


def rows(table: Table) -> list[dict[str, str]]:
    return [dict(zip(table.header, row, strict=True)) for row in table.rows]
